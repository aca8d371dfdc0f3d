"""The steps `listener`, `round http` and `round https`: a client's way through one of the gate's own listeners."""

from typing import Final

import aiohttp

from licensegate.allowlist.clients import network_of
from licensegate.allowlist.target import Target, authority
from licensegate.app.settings import Settings
from licensegate.proxy.settings import ListenAddress

from ..step import Series, Step, StepResult, failed, ok, skipped, warning
from .exchange import ANSWER_SECONDS, HttpExchange, exchange
from .login import ClientLogin, authorization, offers

_LOOPBACK_FOR: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_ASK_SECONDS: Final = 5
_LOGIN: Final = 407
_UPSTREAM_STATUSES: Final = frozenset({502, 504})
_NOBODY: Final = "start the gate, and read why it ended: systemctl status licensegate, journalctl -u licensegate"


class RoundTrips:
    """Rounds through the gate's listeners to one target, with a login if there is one.

    A refused login is not repeated, since the gate makes clients wait that guess, and a target that is not reached is
    not asked for again.
    """

    def __init__(self, settings: Settings, target: Target | None, login: ClientLogin | None) -> None:
        self._settings = settings
        self._target = target
        self._login = login
        self._refused = False
        self._unreached = False
        self._patience = settings.limits.dial_seconds + ANSWER_SECONDS

    def series(self, address: ListenAddress, first: Step) -> Series:
        """The steps for one listener, after `first`."""

        async def answers() -> StepResult:
            return await self._ask(address)

        async def over_http() -> StepResult:
            return await self._round(address, "http")

        async def over_https() -> StepResult:
            return await self._round(address, "https")

        subject, needs, seconds = str(address), ("listener",), 2 * self._patience + 1
        return (
            first,
            Step("listener", subject, answers, seconds=_ASK_SECONDS + 1),
            Step("round http", subject, over_http, needs, seconds),
            Step("round https", subject, over_https, needs, seconds),
        )

    async def _ask(self, address: ListenAddress) -> StepResult:
        """Does a gate listen here, and does it take clients? Every listener answers a balancer's health check."""
        if address.port == 0:
            return skipped("the system chooses the port when the gate starts")
        if why := self._not_for_us(address):
            return skipped(why)
        host = _reachable(address)
        timeout = aiohttp.ClientTimeout(total=_ASK_SECONDS)
        judge = failed if address.named else warning
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(f"http://{authority(host, address.port)}/healthz") as answer,
            ):
                text = (await answer.content.read(100)).strip()
        except aiohttp.ClientConnectorError:
            return skipped(f"nothing listens on {authority(host, address.port)}")
        except (aiohttp.ClientError, TimeoutError):
            return judge(
                f"a program that is no gate, or a frozen one, listens on {address}", f"stop that program, or {_NOBODY}"
            )
        if answer.status == 200 and text == b"ok":
            return ok(f"a gate answers on {authority(host, address.port)}")
        if answer.status == 503:
            return judge("the gate here is stopping", "wait until it has started again")
        return judge(
            f"another program answers on {address} (HTTP {answer.status})",
            "stop that program, or choose another port in the settings",
        )

    async def _round(self, address: ListenAddress, scheme: str) -> StepResult:
        target = self._target
        if target is None:
            return skipped("there is no target to ask for")
        if self._unreached:
            return skipped(f"the gate did not reach {target} through another listener")
        proxy = f"{scheme}://{authority(_reachable(address), address.port)}"
        found = await exchange(target, proxy, self._patience)
        if found.proxy_status == _LOGIN:
            return await self._log_in(address, target, proxy, found)
        return self._judge(target, found)

    async def _log_in(self, address: ListenAddress, target: Target, proxy: str, asked: HttpExchange) -> StepResult:
        offered = offers(asked.challenges)
        if self._login is None:
            return skipped(f"the gate wants a login ({offered}), which was not tried: run the doctor with --login NAME")
        if self._refused:
            return skipped(f"the login of {self._login.user} was refused before and is not repeated")
        value = authorization(self._login, asked.challenges, target)
        if not value:
            return skipped(f"no offered login can be tried with a password ({offered})")
        found = await exchange(target, proxy, self._patience, value)
        if found.proxy_status == _LOGIN:
            self._refused = True
            return failed(
                f"the login of {self._login.user} is refused: {found.fault}",
                f"licensegate passwd FILE --check {self._login.user} tells whether the password is right",
            )
        return self._judge(target, found, f" as {self._login.user}")

    def _judge(self, target: Target, found: HttpExchange, login: str = "") -> StepResult:
        self._unreached = self._unreached or found.proxy_status in _UPSTREAM_STATUSES
        return judge_round(target, found, login)

    def _not_for_us(self, address: ListenAddress) -> str:
        """Why a client on this host cannot use the listener; empty if it can."""
        host = _reachable(address)
        if network_of(host, address.proxy_protocol_from) is not None:
            return f"a connection from {host} must begin with a balancer's PROXY header"
        if network_of(host, self._settings.client_networks) is None:
            return f"clients.networks has no {host}, so only a client elsewhere can try this listener"
        return ""


def judge_round(target: Target, found: HttpExchange, login: str = "") -> StepResult:
    """What came back through the listener."""
    if found.status:
        return ok(f"{target} answered HTTP {found.status}{login} in {found.ms:.0f} ms")
    if found.proxy_status in _UPSTREAM_STATUSES:
        return failed(found.fault, f"the gate serves, but does not reach {target}: see the steps of that target")
    if found.proxy_status:
        return failed(found.fault, "docs/outcomes.md explains the outcome, the first word")
    return failed(found.fault, f"see the steps of {target}, and the gate's log")


def _reachable(address: ListenAddress) -> str:
    """The address at which this host reaches the listener."""
    return _LOOPBACK_FOR.get(address.host, address.host)
