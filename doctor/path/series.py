"""The steps on the way to one target, or to one parent proxy, in their order."""

from datetime import UTC, datetime
from typing import Final

from licensegate.allowlist.policy import Decision
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.service.probe_process import PROCESS_SECONDS, ProbeFailedError
from licensegate.app.settings import Settings
from licensegate.diagnosis.target_report import TargetReport
from licensegate.files.run_in_thread import run_in_thread
from licensegate.proxy.dial.address_selection import allowed_addresses, known_address
from licensegate.proxy.dial.loop_guard import LoopGuard
from licensegate.proxy.dial.resolution import Resolved
from licensegate.proxy.parent.settings import ParentProxy, ParentTarget

from ..host.resolv_conf import ResolverSettings
from ..step import Series, Step, StepResult, failed, ok, skipped, warning
from .answer import judge_exchange, judge_skew
from .connect import SECONDS as CONNECT_SECONDS
from .connect import connect_each, judge_connects
from .exchange import ANSWER_SECONDS, HttpExchange, exchange
from .names import judge_names, look_up
from .own_gate import OwnGate
from .tls import judge_chain, judge_tls
from .tunnel import judge_dial

_NAME_SECONDS: Final = 12
_RESOLVER_HANGS: Final = "let this host reach port 53 of its DNS servers, or name others in /etc/resolv.conf"
_PARENT_LOOKS_UP: Final = "the parent proxy looks the name up"
_PARENT_CONNECTS: Final = "the parent proxy connects"


class TargetPath:
    """The way to one target: what earlier steps found, for the later ones."""

    def __init__(
        self, target: Target, decision: Decision, settings: Settings, resolver: ResolverSettings, gate: OwnGate
    ) -> None:
        self._target = target
        self._rule = decision.rule or Rule(target.host, target.port)
        self._decision = decision
        self._settings = settings
        self._resolver = resolver
        self._gate = gate
        self._addresses: list[str] = []
        self._port = target.port
        self._named_by_operator = self._rule.private
        self._exchange = HttpExchange()
        self._report: TargetReport | None = None
        self._patience = settings.limits.dial_seconds + ANSWER_SECONDS

    def series(self) -> Series:
        """The steps, of which each needs that the way was open so far."""
        subject = str(self._target)
        if self._settings.parents.proxies:
            open_so_far: tuple[str, ...] = ("allowlist",)
        else:
            open_so_far = ("allowlist", "names", "connect")
        return (
            Step("allowlist", subject, self._judge_target),
            Step("names", subject, self._look_up, ("allowlist",), _NAME_SECONDS, _RESOLVER_HANGS),
            Step("connect", subject, self._connect, ("names",), CONNECT_SECONDS + 1),
            Step("tunnel", subject, self._dial, open_so_far, self._settings.limits.dial_seconds + 1),
            Step("tls", subject, self._shake_hands, ("tunnel",), PROCESS_SECONDS + 1),
            Step("chain", subject, self._judge_chain, ("tunnel",)),
            Step("http", subject, self._ask, ("tunnel",), self._patience + 1),
            Step("clocks", subject, self._compare_clocks, ("tunnel",)),
        )

    async def _judge_target(self) -> StepResult:
        if self._decision.allowed:
            return ok(f"allowed by {self._rule}")
        return failed(
            f"the gate refuses {self._target}: no rule allows it",
            f'add [[allowlist.rule]] with host = "{self._target.host}" and port = {self._target.port}, or the preset '
            f"that has it: licensegate test-rule 127.0.0.1 {self._target} says which",
        )

    async def _look_up(self) -> StepResult:
        known = known_address(self._target, self._rule, self._settings.dial.address_of_target)
        if known is not None:
            self._addresses, self._port = [known.address], known.port
            self._named_by_operator = known.named_by_operator
            return ok(f"{known.address}, without DNS: " + _why_known(self._target))
        if self._asks_parent_for_names:
            return skipped(_PARENT_LOOKS_UP)
        facts = await run_in_thread(lambda: look_up(self._target.host, self._resolver), "doctor: names")
        if isinstance(facts.resolution, Resolved):
            self._addresses = list(facts.resolution.addresses)
        return judge_names(self._target, self._rule, facts)

    @property
    def _asks_parent_for_names(self) -> bool:
        parents = self._settings.parents.proxies
        return bool(parents) and parents[0].target is ParentTarget.NAME

    async def _connect(self) -> StepResult:
        if self._settings.parents.proxies:
            return skipped(_PARENT_CONNECTS)
        allowed = allowed_addresses(self._addresses, self._port, LoopGuard(), named_by_operator=self._named_by_operator)
        source = self._settings.dial.source_address
        return judge_connects(await connect_each(allowed, self._port, source), str(self._target))

    async def _dial(self) -> StepResult:
        return judge_dial(await self._gate.dial(self._target, self._rule))

    async def _shake_hands(self) -> StepResult:
        try:
            self._report = await self._gate.look(self._target, self._rule)
        except ProbeFailedError as error:
            return warning(str(error), "let this user run the program in a process of its own")
        return judge_tls(self._report)

    async def _judge_chain(self) -> StepResult:
        if self._report is None:
            return skipped("there is no handshake to judge")
        return judge_chain(self._report, datetime.now(UTC))

    async def _ask(self) -> StepResult:
        self._exchange = await exchange(self._target, f"http://{self._gate.address}", self._patience)
        records = [record for record in self._gate.records if record.target == str(self._target)]
        return judge_exchange(self._exchange, records[-1] if records else None)

    async def _compare_clocks(self) -> StepResult:
        skew = self._exchange.skew_seconds
        if skew is None and self._report is not None:
            skew = self._report.skew_seconds
        return judge_skew(self._target.host, skew)


class ParentPath:
    """The way to one parent proxy, up to the TCP connection; the login is part of each target's `tunnel`."""

    def __init__(self, parent: ParentProxy, settings: Settings, resolver: ResolverSettings) -> None:
        self._parent = parent
        self._target = Target(parent.host, parent.port)
        self._rule = Rule(parent.host, parent.port, private=True)
        self._source = settings.dial.source_address
        self._resolver = resolver
        self._addresses: list[str] = []

    def series(self) -> Series:
        """The steps for the parent."""
        subject = str(self._parent)
        return (
            Step("names", subject, self._look_up, (), _NAME_SECONDS, _RESOLVER_HANGS),
            Step("connect", subject, self._connect, ("names",), CONNECT_SECONDS + 1),
        )

    async def _look_up(self) -> StepResult:
        if self._target.is_address:
            self._addresses = [self._target.host]
            return ok(f"{self._target.host} is an address")
        facts = await run_in_thread(lambda: look_up(self._target.host, self._resolver), "doctor: names")
        if isinstance(facts.resolution, Resolved):
            self._addresses = list(facts.resolution.addresses)
        return judge_names(self._target, self._rule, facts)

    async def _connect(self) -> StepResult:
        return judge_connects(await connect_each(self._addresses, self._parent.port, self._source), str(self._parent))


def _why_known(target: Target) -> str:
    return "the target is an address" if target.is_address else "dial.connect_to sends the target there"
