"""One tunnel through one parent proxy: connect, TLS, ask, log in, and what became of it."""

import contextlib
import functools
import time
from typing import Final

from msgspec import structs

from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, milliseconds

from ..dial.dialer import Dialer
from ..net.channel import Channel
from ..wire.tls_layer import TlsFailure
from ..wire.via import passed_on
from . import logins
from .connection import EndedError, ParentConnection
from .parent import Parent
from .protocol.challenges import Challenge
from .protocol.connect_response import ConnectResponse, ConnectResponseError, request
from .protocol.scheme import Login, LoginFailedError, LoginRefusedError, ParentScheme
from .reach import ParentError, reach
from .run_in_thread import run_in_thread
from .settings import ParentAuth

_LOGIN_NEEDED: Final = 407
_ABOUT_THE_TARGET: Final = frozenset({502, 503, 504})
"""Statuses by which a gateway speaks of what is behind it (RFC 9110 sections 15.6.3 to 15.6.5)."""

_BY_CONNECTION: Final = frozenset({ParentScheme.NEGOTIATE, ParentScheme.NTLM})
"""What logs a connection in, rather than a request: after a failure, a new one is needed to begin anew (RFC 4559)."""

_MOST_STEPS: Final = 8
"""No login takes so many."""

_NO_CONNECTION: Final = Outcome.PARENT_TIMEOUT, "no connection"
_NO_HANDSHAKE: Final = Outcome.PARENT_TIMEOUT, "no answer to the TLS handshake"
_NO_ANSWER: Final = Outcome.PARENT_TIMEOUT, "connected, but no answer"
_NO_TURN: Final = Outcome.PARENT_LOGIN_FAILED, "another login with the same password has not ended yet"
_NO_CREDENTIALS: Final = Outcome.PARENT_LOGIN_FAILED, "the login could not be prepared in time; look at the KDC"


class ConnectAttempt:
    """The way of one tunnel through one parent, to be awaited once. `record` is told of it.

    `is_on_trial` says that it has shown a password which nobody has taken yet, and waits for the verdict.
    """

    def __init__(self, dialer: Dialer, parent: Parent, authority: str, record: TunnelRecord) -> None:
        self._dialer = dialer
        self.parent = parent
        self._settings = parent.settings
        self._authority = authority
        self._record = record
        self._connection: ParentConnection | None = None
        self._waits_for = _NO_CONNECTION
        self.is_on_trial = False
        self._began = time.monotonic()
        record.parent = str(parent.settings)
        record.parent_login = record.parent_reason = record.parent_server = ""
        record.parent_status = 0

    async def open(self) -> tuple[Channel, bytes]:
        """The tunnel, and its first bytes. Raises ParentError."""
        try:
            answer = await self._ask_and_log_in()
            if not answer.opens_tunnel or self._connection is None:
                raise self._refused(answer)
            connection, self._connection = self._connection, None
            return connection.release()
        except LoginRefusedError as refused:
            raise self._failed(Outcome.PARENT_LOGIN_REFUSED, str(refused)) from None
        except LoginFailedError as failed:
            raise self._failed(Outcome.PARENT_LOGIN_FAILED, str(failed)) from None
        except ConnectResponseError as error:
            raise self._failed(Outcome.PARENT_ANSWER_MALFORMED, str(error)) from None
        except EndedError as error:
            raise self._failed(Outcome.PARENT_BROKE_OFF, str(error)) from None
        except TlsFailure as failure:
            untrusted = failure.rejected_theirs
            outcome = Outcome.PARENT_CERTIFICATE_REJECTED if untrusted else Outcome.PARENT_TLS_FAILED
            raise self._failed(outcome, failure.detail) from None
        finally:
            self._record.parent_ms = milliseconds(time.monotonic() - self._began)
            self._close()

    def forget_tunnel(self) -> None:
        """Go on without a tunnel to open: its record is another's from now on."""
        self._record = structs.replace(self._record)

    def late(self) -> ParentError:
        """What it was waiting for, if it took too long."""
        return self._failed(*self._waits_for)

    async def _ask_and_log_in(self) -> ConnectResponse:
        login = self._settings.login
        if login.auth not in (ParentAuth.AUTO, ParentAuth.NONE):
            return await self._log_in(ParentScheme(login.auth.value), None)
        answer = await self._ask("")
        if answer.status != _LOGIN_NEEDED:
            return answer
        possible = logins.possible(login)
        if not possible:
            return answer
        offered = [scheme for scheme in possible if logins.challenge_of(scheme, answer.challenges)]
        if ParentScheme.NEGOTIATE in offered[:-1]:
            with contextlib.suppress(LoginFailedError):  # without a ticket there is still another way
                return await self._log_in(offered.pop(0), answer)
        if not offered:
            raise self._unsupported(answer)
        return await self._log_in(offered[0], answer)

    async def _log_in(self, scheme: ParentScheme, answer: ConnectResponse | None) -> ConnectResponse:
        """The answer to the last step of a login that `answer` asked for, or that begins by itself."""
        account = self.parent.account
        self._record.parent_login = scheme
        self._waits_for = _NO_TURN
        async with account.turn() as password:
            user, host = self._settings.login.username, self._settings.host
            login = logins.begin(scheme, user, password, account.tickets, host, self._authority)
            challenge = logins.challenge_of(scheme, answer.challenges) if answer else None
            for step in range(_MOST_STEPS):
                credentials = await self._credentials(login, challenge)
                tied = challenge is not None and challenge.token != ""
                if step and not tied and scheme in _BY_CONNECTION:
                    self._close()
                answer = await self._ask(credentials, tied=tied)
                if answer.status != _LOGIN_NEEDED:
                    if answer.opens_tunnel:
                        account.prove(password)
                    return answer
                challenge = logins.challenge_of(scheme, answer.challenges)
                if challenge is None:
                    raise self._unsupported(answer)
            raise LoginFailedError("it asks without end")

    async def _credentials(self, login: Login, challenge: Challenge | None) -> str:
        if not login.blocks:
            return login.answer(challenge)
        self._waits_for = _NO_CREDENTIALS
        self.is_on_trial = not self.parent.account.is_proven
        return await run_in_thread(functools.partial(login.answer, challenge))

    async def _ask(self, credentials: str, *, tied: bool = False) -> ConnectResponse:
        """Ask for the tunnel, on the connection that there is if it can still be used, else on a new one.

        Credentials that are `tied` to the connection on which they were challenged are worth nothing on another.
        """
        head = request(self._authority, passed_on(self._record.via, self._record.http_version), credentials)
        connection = self._connection
        self._waits_for = _NO_ANSWER
        shows_password = credentials != "" and not self.parent.account.is_proven
        if connection is not None and await connection.can_be_used_again():
            self.is_on_trial = shows_password
            try:
                return self._noted(await connection.ask(head))
            except EndedError as error:
                if tied or not error.silently:
                    raise
        self._close()
        if tied:
            raise LoginFailedError("it closes the connection in the middle of the login")
        self.is_on_trial = False
        self._connection = await self._connect()
        self.is_on_trial = shows_password
        self._waits_for = _NO_ANSWER
        return self._noted(await self._connection.ask(head))

    async def _connect(self) -> ParentConnection:
        self._waits_for = _NO_CONNECTION
        settings = self._settings
        try:
            sock = await reach(self._dialer, settings.host, settings.port, self._record)
        except ParentError as error:
            raise self._failed(error.outcome, error.detail) from None
        connection = ParentConnection(self._dialer.loop, self._dialer.poller, sock)
        if settings.tls:
            self._connection = connection  # so that it is closed if this fails
            await self._secure(connection)
        return connection

    async def _secure(self, connection: ParentConnection) -> None:
        self._waits_for = _NO_HANDSHAKE
        try:
            context = self.parent.tls
        except OSError as error:
            roots = self._settings.ca or "the system's roots"
            raise self._failed(Outcome.PARENT_TLS_FAILED, f"{roots}: {error.strerror or error}") from None
        try:
            await connection.secure(context, self._settings.host)
        except TlsFailure:
            raise
        except OSError as error:
            raise self._failed(Outcome.PARENT_TLS_FAILED, f"the connection broke: {error.strerror}") from None

    def _noted(self, answer: ConnectResponse) -> ConnectResponse:
        record = self._record
        record.parent_status = answer.status
        record.parent_reason = answer.reason
        record.parent_server = answer.server
        return answer

    def _refused(self, answer: ConnectResponse) -> ParentError:
        """Why an answer opens no tunnel: the parent's doing, or the target's, or nobody's."""
        said = " ".join(
            filter(None, [str(answer.status), answer.reason, f"({answer.server})" if answer.server else ""])
        )
        if answer.loop:
            return self._failed(Outcome.PARENT_LOOP, said)
        if answer.status == _LOGIN_NEEDED:
            return self._failed(Outcome.PARENT_LOGIN_REQUIRED, logins.offered(answer.challenges))
        return self._failed(
            Outcome.PARENT_TARGET_FAILED if answer.status in _ABOUT_THE_TARGET else Outcome.PARENT_REFUSED, said
        )

    def _unsupported(self, answer: ConnectResponse) -> ParentError:
        return self._failed(Outcome.PARENT_LOGIN_UNSUPPORTED, logins.offered(answer.challenges))

    def _failed(self, outcome: Outcome, said: str) -> ParentError:
        return ParentError(outcome, f"{self.parent}, {said}" if said else str(self.parent))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
