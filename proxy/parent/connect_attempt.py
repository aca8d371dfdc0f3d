"""One tunnel through one parent proxy: connect, TLS to the parent, CONNECT, login."""

import contextlib
import functools
import time
from typing import Final

from msgspec import structs

from licensegate.files.run_in_thread import run_in_thread
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, milliseconds

from ..dial.dialer import Dialer
from ..net.channel import Channel
from ..wire.tls_layer import TlsFailure
from ..wire.via import passed_on
from . import logins
from .awaited_dial import ParentError, dial_parent
from .connection import ConnectionClosedError, ParentConnection
from .parent import Parent
from .protocol.challenges import Challenge
from .protocol.connect_response import ConnectResponse, ConnectResponseError, connect_request
from .protocol.scheme import Login, LoginFailedError, LoginRefusedError, ParentScheme
from .settings import ParentAuth

_LOGIN_NEEDED: Final = frozenset({401, 407})
"""407, and 401 of proxies that take themselves for a server: tinyproxy after a wrong password."""

_REFUSING: Final = frozenset({501, 505, 511})
"""Server errors that refuse the request itself (RFC 9110 section 15.6, RFC 6585 section 6).

All others report a failure of or behind the parent: squid answers 500 if it knows no way to the target
(ERR_CANNOT_FORWARD), tinyproxy if it cannot connect.
"""

_CONNECTION_SCHEMES: Final = frozenset({ParentScheme.NEGOTIATE, ParentScheme.NTLM})
"""Schemes that log in a connection, not a request: after a failure they need a new connection (RFC 4559)."""

_MAX_STEPS: Final = 8
"""More than any login takes."""

_NO_CONNECTION: Final = Outcome.PARENT_TIMEOUT, "no connection"
_NO_HANDSHAKE: Final = Outcome.PARENT_TIMEOUT, "no answer to the TLS handshake"
_NO_ANSWER: Final = Outcome.PARENT_TIMEOUT, "connected, but no answer"
_ACCOUNT_BUSY: Final = Outcome.PARENT_LOGIN_FAILED, "another login with the same password has not ended yet"
_NO_CREDENTIALS: Final = Outcome.PARENT_LOGIN_FAILED, "the login could not be prepared in time; look at the KDC"

_OUTCOMES: Final[dict[type[Exception], Outcome]] = {
    LoginRefusedError: Outcome.PARENT_LOGIN_REFUSED,
    LoginFailedError: Outcome.PARENT_LOGIN_FAILED,
    ConnectResponseError: Outcome.PARENT_ANSWER_MALFORMED,
    ConnectionClosedError: Outcome.PARENT_BROKE_OFF,
}


class ConnectAttempt:
    """Opens one tunnel through one parent. Awaited once; writes what the parent answers into `record`.

    `password_pending` is true while the parent checks a password that no parent has accepted yet.
    """

    def __init__(self, dialer: Dialer, parent: Parent, authority: str, record: TunnelRecord) -> None:
        self._dialer = dialer
        self.parent = parent
        self._settings = parent.settings
        self._authority = authority
        self._record = record
        self._connection: ParentConnection | None = None
        self._timeout_reason = _NO_CONNECTION
        self.password_pending = False
        self._began = time.monotonic()
        record.parent = str(parent.settings)
        record.parent_login = record.parent_reason = record.parent_server = record.parent_location = ""
        record.parent_status = 0

    async def open(self) -> tuple[Channel, bytes]:
        """The tunnel, and the bytes already received through it. Raises ParentError."""
        try:
            response = await self._connect_with_login()
            if not response.opens_tunnel or self._connection is None:
                raise self._refused(response)
            connection, self._connection = self._connection, None
            return connection.release()
        except tuple(_OUTCOMES) as error:
            raise self._error(_OUTCOMES[type(error)], str(error)) from None
        except TlsFailure as failure:
            untrusted = failure.rejected_theirs
            outcome = Outcome.PARENT_CERTIFICATE_REJECTED if untrusted else Outcome.PARENT_TLS_FAILED
            raise self._error(outcome, failure.detail) from None
        finally:
            self._record.parent_ms = milliseconds(time.monotonic() - self._began)
            self._close()

    def detach_record(self) -> None:
        """Continue without a client: the tunnel's record no longer belongs to this attempt."""
        self._record = structs.replace(self._record)

    def timeout_error(self) -> ParentError:
        """The error to report if the time ends now: it names the step in progress."""
        return self._error(*self._timeout_reason)

    async def _connect_with_login(self) -> ConnectResponse:
        """Ask for the tunnel, and log in if the settings or the parent want that. Returns the last response."""
        login = self._settings.login
        if login.auth not in (ParentAuth.AUTO, ParentAuth.NONE):
            return await self._log_in(ParentScheme(login.auth.value), None)
        response = await self._ask("")
        if response.status not in _LOGIN_NEEDED:
            return response
        usable = logins.usable_schemes(login)
        if not usable:
            return response
        offered = [scheme for scheme in usable if logins.pick_challenge(scheme, response.challenges)]
        if ParentScheme.NEGOTIATE in offered[:-1]:
            with contextlib.suppress(LoginFailedError):  # no ticket: try the next scheme
                return await self._log_in(offered.pop(0), response)
        if not offered:
            raise self._unsupported(response)
        return await self._log_in(offered[0], response)

    async def _log_in(self, scheme: ParentScheme, response: ConnectResponse | None) -> ConnectResponse:
        """Answer the challenges of `response`, or start unasked without one. Returns the last response."""
        account = self.parent.account
        self._record.parent_login = scheme
        self._timeout_reason = _ACCOUNT_BUSY
        async with account.use_password() as password:
            user, host = self._settings.login.username, self._settings.host
            login = logins.start_login(scheme, user, password, account.tickets, host, self._authority)
            challenge = logins.pick_challenge(scheme, response.challenges) if response else None
            for step in range(_MAX_STEPS):
                credentials = await self._credentials(login, challenge)
                logs_in_connection = scheme in _CONNECTION_SCHEMES
                same_connection = logs_in_connection and challenge is not None and challenge.token != ""
                if step and logs_in_connection and not same_connection:
                    self._close()
                response = await self._ask(credentials, same_connection=same_connection)
                if response.status not in _LOGIN_NEEDED:
                    if response.opens_tunnel:
                        account.note_accepted(password)
                    return response
                challenge = logins.pick_challenge(scheme, response.challenges)
                if challenge is None and credentials and not response.challenges:
                    challenge = Challenge(scheme)  # a refusal, for the login to judge
                if challenge is None:
                    raise self._unsupported(response)
            raise LoginFailedError("it keeps asking for one more step of the login")

    async def _credentials(self, login: Login, challenge: Challenge | None) -> str:
        if not login.blocks:
            return login.answer(challenge)
        self._timeout_reason = _NO_CREDENTIALS
        self.password_pending = not self.parent.account.is_proven
        return await run_in_thread(functools.partial(login.answer, challenge), "parent login")

    async def _ask(self, credentials: str, *, same_connection: bool = False) -> ConnectResponse:
        """Send the CONNECT over the present connection if it can be reused, else over a new one.

        `same_connection` forbids a new one: these credentials answer a challenge of the present connection.
        """
        via = passed_on(self._record.via, self._record.http_version)
        head = connect_request(self._authority, via, self._settings.user_agent, credentials)
        connection = self._connection
        self._timeout_reason = _NO_ANSWER
        if connection is not None and await connection.is_reusable():
            try:
                return await self._exchange(connection, head, credentials)
            except ConnectionClosedError as error:
                if same_connection or not error.before_answer:
                    raise
        self._close()
        if same_connection:
            raise LoginFailedError("it closes the connection in the middle of the login")
        self.password_pending = False
        self._connection = await self._open_connection()
        return await self._exchange(self._connection, head, credentials)

    async def _exchange(self, connection: ParentConnection, head: bytes, credentials: str) -> ConnectResponse:
        """Send one request and note its response in the record."""
        self.password_pending = credentials != "" and not self.parent.account.is_proven
        self._timeout_reason = _NO_ANSWER
        response = await connection.ask(head)
        record = self._record
        record.parent_status = response.status
        record.parent_reason = response.reason
        record.parent_server = response.server
        record.parent_location = response.location
        return response

    async def _open_connection(self) -> ParentConnection:
        self._timeout_reason = _NO_CONNECTION
        settings = self._settings
        try:
            sock = await dial_parent(self._dialer, settings.host, settings.port, self._record)
        except ParentError as error:
            raise self._error(error.outcome, error.detail) from None
        connection = ParentConnection(self._dialer.loop, self._dialer.poller, sock)
        if settings.tls:
            self._connection = connection  # so that a failed handshake closes it
            await self._start_tls(connection)
        return connection

    async def _start_tls(self, connection: ParentConnection) -> None:
        self._timeout_reason = _NO_HANDSHAKE
        try:
            context = await self.parent.current_tls()
        except OSError as error:
            roots = self._settings.ca or "the system's roots"
            raise self._error(Outcome.PARENT_TLS_FAILED, f"{roots}: {error.strerror or error}") from None
        try:
            await connection.start_tls(context, self._settings.host)
        except TlsFailure:
            raise
        except OSError as error:
            raise self._error(Outcome.PARENT_TLS_FAILED, f"the connection broke: {error.strerror}") from None

    def _refused(self, response: ConnectResponse) -> ParentError:
        """The error for a response that opens no tunnel."""
        server = f"({response.server})" if response.server else ""
        detail = " ".join(filter(None, [str(response.status), response.reason, server]))
        if response.loop_detected:
            return self._error(Outcome.PARENT_LOOP, detail)
        if response.status in _LOGIN_NEEDED:
            return self._error(Outcome.PARENT_LOGIN_REQUIRED, logins.describe_offers(response.challenges))
        if response.status >= 500 and response.status not in _REFUSING:
            return self._error(Outcome.PARENT_TARGET_FAILED, detail)
        return self._error(Outcome.PARENT_REFUSED, detail)

    def _unsupported(self, response: ConnectResponse) -> ParentError:
        return self._error(Outcome.PARENT_LOGIN_UNSUPPORTED, logins.describe_offers(response.challenges))

    def _error(self, outcome: Outcome, detail: str) -> ParentError:
        return ParentError(outcome, f"{self.parent}, {detail}" if detail else str(self.parent))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
