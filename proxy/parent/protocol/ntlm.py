"""NTLM ([MS-NLMP]) over HTTP ([MS-NTHT]), with pyspnego. All messages of a login use one connection."""

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Final

from licensegate.records.text import printable

from .challenges import Challenge
from .scheme import LoginFailedError, LoginRefusedError, ParentScheme
from .tokens import NTLM_CHALLENGE, describe_token

if TYPE_CHECKING:
    from spnego import ContextProxy

_FIELDS: Final = (12, 40)
"""Where a challenge describes TargetName and TargetInfo: a length of 2 bytes, 2 more, an offset of 4."""


class NtlmLogin:
    """Sends a negotiate message, then an authenticate message in answer to the challenge, and nothing more."""

    scheme = ParentScheme.NTLM
    blocks = True  # the import alone takes a quarter of a second

    def __init__(self, user: str, password: str, host: str) -> None:
        self._user = user
        self._password = password
        self._host = host
        self._context: ContextProxy | None = None
        self._authenticated = False

    def answer(self, challenge: Challenge | None) -> str:
        """The next of the two messages; see `Login`."""
        token = challenge.token if challenge else ""
        if self._authenticated:
            raise LoginRefusedError(wrong_password=True)
        if self._context is None:
            self._context = self._begin()
            token = ""
        elif not token:
            raise LoginFailedError("it answers the first message of NTLM with no challenge")
        else:
            self._authenticated = True
        return "NTLM " + base64.b64encode(_step(self._context, token)).decode("ascii")

    def _begin(self) -> "ContextProxy":
        import spnego  # late: it takes 20 MB, and most gates never need it

        logging.getLogger("spnego").setLevel(logging.INFO)  # its debug log shows values derived from the password
        options = spnego.NegotiateOptions.use_ntlm
        return spnego.client(self._user, self._password, self._host, "HTTP", protocol="ntlm", options=options)


def _step(context: "ContextProxy", token: str) -> bytes:
    try:
        message = base64.b64decode(token, validate=True) if token else None
    except binascii.Error:
        raise LoginFailedError("its NTLM challenge is not in base64") from None
    if message is not None and (kind := describe_token(message)) != NTLM_CHALLENGE:
        raise LoginFailedError(f"its NTLM challenge cannot be used: it is {kind}, not {NTLM_CHALLENGE}")
    if message is not None and not _is_whole(message):
        raise LoginFailedError("its NTLM challenge cannot be used: it has fields outside the message")
    try:
        return context.step(message) or b""
    except Exception as error:  # pyspnego raises many kinds for a malformed message
        raise LoginFailedError(f"its NTLM challenge cannot be used: {printable(str(error).encode(), 100)}") from None


def _is_whole(challenge: bytes) -> bool:
    """Whether the fields of a CHALLENGE_MESSAGE lie in it: TargetName and TargetInfo ([MS-NLMP] section 2.2.1.2)."""
    for at in _FIELDS:
        length = int.from_bytes(challenge[at : at + 2], "little")
        offset = int.from_bytes(challenge[at + 4 : at + 8], "little")
        if length and offset + length > len(challenge):
            return False
    return True
