"""Negotiate (RFC 4559): Kerberos tickets (RFC 4121) inside SPNEGO (RFC 4178)."""

import base64
import binascii
from typing import TYPE_CHECKING

from .protocol.challenges import Challenge
from .protocol.scheme import LoginFailedError, LoginRefusedError, ParentScheme
from .protocol.tokens import describe_token
from .tickets import SPNEGO, Tickets, describe_error

if TYPE_CHECKING:
    from gssapi import SecurityContext


class NegotiateLogin:
    """Logs in at the parent `host` with a ticket. If the parent rejects it, a fresh one is tried, once."""

    scheme = ParentScheme.NEGOTIATE
    blocks = True

    def __init__(self, tickets: Tickets, password: str, host: str) -> None:
        self._tickets = tickets
        self._password = password
        self._host = host
        self._context: SecurityContext | None = None

    def answer(self, challenge: Challenge | None) -> str:
        """The ticket, or the next message of its security context; see `Login`."""
        from gssapi.raw.misc import GSSError

        token = challenge.token if challenge else ""
        kind = ""
        try:
            if self._context is not None and not token and not self._tickets.discard():
                raise LoginRefusedError("it rejects the gate's Kerberos tickets", wrong_password=False)
            if self._context is None or not token:
                self._context, token = self._begin(), ""
            received = base64.b64decode(token, validate=True) if token else None
            kind = f" (its token is {describe_token(received)})" if received else ""
            message = self._context.step(received)
        except GSSError as error:
            raise LoginFailedError(describe_error(error) + kind) from None
        except binascii.Error:
            raise LoginFailedError("its token is not in base64") from None
        if not message:
            raise LoginFailedError("it asks for another message after the end of the Kerberos exchange")
        return "Negotiate " + base64.b64encode(message).decode("ascii")

    def _begin(self) -> "SecurityContext":
        from gssapi import OID, Name, NameType, RequirementFlag, SecurityContext

        credentials = self._tickets.credentials(self._password)
        target = Name(f"HTTP@{self._host}", NameType.hostbased_service)
        return SecurityContext(
            name=target,
            creds=credentials,
            mech=OID.from_int_seq(SPNEGO),
            flags=RequirementFlag.out_of_sequence_detection,
            usage="initiate",
        )
