"""The login schemes for a parent proxy, and the interface of a login: challenge in, credentials out."""

import enum
from typing import Protocol

from .challenges import Challenge


class ParentScheme(enum.StrEnum):
    """A login scheme, by its name in a challenge. The strongest comes first."""

    NEGOTIATE = "negotiate"
    DIGEST = "digest"
    NTLM = "ntlm"
    BASIC = "basic"


class LoginRefusedError(Exception):
    """The parent or a KDC refused the credentials; the message is its own explanation, or empty.

    `wrong_password` means that the password must not be tried again.
    """

    def __init__(self, detail: str = "", *, wrong_password: bool) -> None:
        super().__init__(detail)
        self.wrong_password = wrong_password


class LoginFailedError(Exception):
    """The gate has no credentials to send. The message is a short reason without a secret."""


class Login(Protocol):
    """One login to one parent, for one tunnel.

    `blocks` means that `answer` may wait for the network or a disk, or compute for long: call it in a thread.
    """

    scheme: ParentScheme
    blocks: bool

    def answer(self, challenge: Challenge | None) -> str:
        """The next value of Proxy-Authorization, "" if the scheme needs a challenge first.

        `challenge` is None before the first response. Raises LoginRefusedError or LoginFailedError.
        """
