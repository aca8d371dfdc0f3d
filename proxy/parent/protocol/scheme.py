"""The ways to log in to a parent proxy, and what a login is made of: credentials out, the next challenge in."""

import enum
from typing import Protocol

from .challenges import Challenge


class ParentScheme(enum.StrEnum):
    """One way to log in, by the name that stands in a challenge; the strongest first."""

    NEGOTIATE = "negotiate"
    DIGEST = "digest"
    NTLM = "ntlm"
    BASIC = "basic"


class LoginRefusedError(Exception):
    """Somebody has seen the credentials and wants none of them; `str()` says what he said, or nothing.

    `of_password` says that the password is wrong, or was taken for wrong: it must not be tried again.
    """

    def __init__(self, said: str = "", *, of_password: bool) -> None:
        super().__init__(said)
        self.of_password = of_password


class LoginFailedError(Exception):
    """There are no credentials to send; `str()` says why, in a short phrase without a secret in it."""


class Login(Protocol):
    """One login to one parent, for one tunnel.

    `blocks` says that `answer` may wait for the network or a disk, or computes for long: it belongs into a thread.
    """

    scheme: ParentScheme
    blocks: bool

    def answer(self, challenge: Challenge | None) -> str:
        """The next value of Proxy-Authorization; None stands for no challenge yet, "" for nothing to say before one.

        Raises LoginRefusedError or LoginFailedError.
        """
