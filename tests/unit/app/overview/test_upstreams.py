"""When a request for target health causes a probe, and what it returns."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

import pytest
from msgspec import structs

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.app.overview.upstreams import FRESH_SECONDS, Upstream, UpstreamLook, Upstreams
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.certificate import CertificateOutline
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.records import NOON, record
from support.sockets import run, turns, until
from support.upstream import SECONDS

ONE, TWO = Rule("one.example"), Rule("two.example", 8443)
NAMES = ["one.example:443", "two.example:8443"]


class Lab:
    """Targets whose dials the test ends, with a clock that the test sets."""

    def __init__(self, *rules: Rule) -> None:
        policy = Policy([], rules or (ONE, TWO), {})
        targets = TargetNames(lambda: policy)
        self.health = TargetHealth(targets)
        self.now: datetime = NOON
        self.dialled: list[str] = []
        self.answers: dict[str, Outcome | None] = {}
        self.held: list[asyncio.Future[None]] = []
        self.holding = False
        self.reports = TargetReports()
        self.wanted: list[str] = []
        self.upstreams = Upstreams(targets, self.health, self._dial, self.reports, self.wanted.append, lambda: self.now)

    def _dial(self, target: Target, rule: Rule) -> Awaitable[None]:
        return self._answer(str(target), rule)

    async def _answer(self, name: str, rule: Rule) -> None:
        self.dialled.append(name)
        if self.holding:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]
        self.tunnel(rule, self.answers.get(name))  # as the gate passes a probe's record to its observers

    def made(self, rule: Rule, outcome: Outcome | None = None) -> TunnelRecord:
        """The record of a tunnel or a probe that ends now."""
        after = (self.now - NOON).total_seconds()
        target = str(Target(rule.host, rule.port))
        dial_ms = 1.0 if outcome is None else None
        return record(outcome, after=after, rule=str(rule), target=target, dial_ms=dial_ms, detail="192.0.2.1:443")

    def tunnel(self, rule: Rule, outcome: Outcome | None = None) -> None:
        """End a tunnel."""
        self.health.observe([self.made(rule, outcome)])

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_unknown_targets_are_each_dialled_once() -> None:
    async def main() -> None:
        lab = Lab()
        lab.answers["two.example:8443"] = Outcome.CONNECTION_REFUSED

        one, two = await lab.upstreams.check()

        assert lab.dialled == NAMES
        assert one == Upstream("one.example:443", True, NOON + timedelta(milliseconds=1))
        assert (two.target, two.reached, two.reached_at, two.failed_at) == (NAMES[1], False, None, NOON)
        assert two.outcome == "connection_refused"
        assert two.sentence == "two.example:8443 refused the connection (192.0.2.1:443)."
        assert two.remedy.startswith("Look for a firewall")

    run(main())


@pytest.mark.parametrize("outcome", [None, Outcome.DNS_TIMEOUT], ids=["reached", "not reached"])
def test_a_target_with_a_recent_tunnel_is_not_dialled(outcome: Outcome | None) -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.tunnel(ONE, outcome)
        lab.later(FRESH_SECONDS)

        (one,) = await lab.upstreams.check()

        assert lab.dialled == []
        assert one.reached is (outcome is None)

    run(main())


def test_a_target_with_only_old_records_is_dialled_again() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.tunnel(ONE)
        lab.later(FRESH_SECONDS + 1)
        lab.answers["one.example:443"] = Outcome.CONNECTION_TIMEOUT

        (one,) = await lab.upstreams.check()
        lab.later(1)
        await lab.upstreams.check()

        assert lab.dialled == ["one.example:443"], "a failure is fresh as well"
        assert (one.reached, one.outcome) == (False, "connection_timeout")
        assert one.reached_at == NOON + timedelta(milliseconds=1), "when it last was"

    run(main())


def test_records_from_before_the_clock_was_set_back_are_not_fresh() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.tunnel(ONE)
        lab.later(-3600)

        await lab.upstreams.check()

        assert lab.dialled == ["one.example:443"]

    run(main())


def test_simultaneous_requests_share_one_dial_per_target() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.holding = True
        asking = [asyncio.create_task(lab.upstreams.check()) for _ in range(20)]
        await until(lambda: lab.held)
        await turns(5)
        lab.held[0].set_result(None)

        answers = await asyncio.gather(*asking)

        assert lab.dialled == ["one.example:443"]
        assert all(one.reached for (one,) in answers)

    run(main())


def test_one_request_too_many_is_answered_at_once() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.holding = True
        waiting = [asyncio.create_task(lab.upstreams.check(patience=SECONDS)) for _ in range(32)]
        await until(lambda: lab.held)

        (one,) = await lab.upstreams.check(patience=SECONDS)

        assert one.reached is None
        assert not any(request.done() for request in waiting)
        lab.held[0].set_result(None)
        assert all(one.reached for (one,) in await asyncio.gather(*waiting))

    run(main())


def test_a_slow_dial_is_not_awaited_and_serves_the_next_request() -> None:
    async def main() -> None:
        lab = Lab()
        lab.tunnel(TWO)
        lab.holding = True

        one, two = await lab.upstreams.check(patience=0.01)
        assert (one.reached, two.reached) == (None, True)
        (one, _) = await lab.upstreams.check(patience=0.01)
        assert (one.reached, lab.dialled) == (None, ["one.example:443"])

        lab.held[0].set_result(None)
        await turns(5)
        (one, _) = await lab.upstreams.check()
        assert (one.reached, lab.dialled) == (True, ["one.example:443"])

    run(main())


def test_a_cancelled_request_does_not_cancel_its_dials() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.holding = True
        asking = asyncio.create_task(lab.upstreams.check())
        await until(lambda: lab.held)
        asking.cancel()
        await turns(5)
        lab.held[0].set_result(None)
        await turns(5)

        (one,) = await lab.upstreams.check()

        assert (one.reached, lab.dialled) == (True, ["one.example:443"])

    run(main())


def test_at_most_sixteen_dials_run_at_a_time() -> None:
    async def main() -> None:
        rules = [Rule(f"host-{number}.example") for number in range(40)]
        lab = Lab(*rules)
        lab.holding = True
        await lab.upstreams.check(patience=0.01)
        assert len(lab.held) == 16

        while len(lab.held) < 40 or not all(held.done() for held in lab.held):
            for held in lab.held:
                if not held.done():
                    held.set_result(None)
            await turns(3)

        assert all(one.reached for one in await lab.upstreams.check())
        assert len(lab.dialled) == 40

    run(main())


def test_wildcards_and_report_only_rules_are_not_probed() -> None:
    async def main() -> None:
        lab = Lab(Rule("*.example.org"), Rule("watched.example", report=True))

        assert await lab.upstreams.check() == []
        assert lab.dialled == []

    run(main())


def test_after_a_fault_the_target_is_unknown_and_dialled_again() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.holding = True
        asking = asyncio.create_task(lab.upstreams.check())
        await until(lambda: lab.held)
        lab.held[0].set_exception(RuntimeError("a fault"))
        (one,) = await asking
        assert one.reached is None

        lab.holding = False
        (one,) = await lab.upstreams.check()
        assert (one.reached, len(lab.dialled)) == (True, 2)

    run(main())


def test_regular_probing_skips_targets_that_tunnels_reached() -> None:
    async def main() -> None:
        lab = Lab()
        lab.tunnel(TWO)
        probing = asyncio.create_task(lab.upstreams.keep_probing(0.01))
        await until(lambda: lab.dialled)
        await turns(50)
        assert lab.dialled == ["one.example:443"], "the clock stands still, so all is fresh"

        lab.later(1)
        await until(lambda: len(lab.dialled) == 3)
        probing.cancel()
        assert sorted(lab.dialled[1:]) == NAMES

    run(main())


@pytest.mark.parametrize(
    ("outcome", "reaches"), [(None, True), (Outcome.DNS_TIMEOUT, False)], ids=["reached", "not reached"]
)
def test_while_a_target_is_dialled_its_last_result_counts(outcome: Outcome | None, reaches: bool) -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.tunnel(ONE, outcome)
        lab.later(FRESH_SECONDS + 1)
        lab.holding = True
        waiting = [asyncio.create_task(lab.upstreams.check(patience=SECONDS)) for _ in range(32)]
        await until(lambda: lab.held)

        assert await lab.upstreams.reaches_any() is reaches

        lab.held[0].set_result(None)
        await asyncio.gather(*waiting)
        assert await lab.upstreams.reaches_any()

    run(main())


def test_a_target_that_refuses_is_not_reached_and_no_target_is_enough() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        lab.answers["one.example:443"] = Outcome.CONNECTION_REFUSED

        assert not await lab.upstreams.reaches_any()
        assert await Lab(Rule("*.example.org")).upstreams.reaches_any()

    run(main())


def test_the_newest_look_is_shown_and_changes_nothing_else() -> None:
    async def main() -> None:
        lab = Lab(ONE)
        before = (await lab.upstreams.check())[0]
        issuer = CertificateOutline("CN=one.example", "CN=issuer", NOON, NOON + timedelta(days=30))
        lab.reports.put(
            TargetReport(
                "one.example:443", NOON, TargetVerdict.FOREIGN_ISSUER, "by a stranger", (issuer,), tls_version="TLSv1.3"
            )
        )

        shown = (await lab.upstreams.check())[0]

        assert before.look is None
        assert shown == structs.replace(before, look=shown.look)
        assert shown.look == UpstreamLook(
            TargetVerdict.FOREIGN_ISSUER, "by a stranger", NOON, "CN=issuer", 30.0, tls_version="TLSv1.3"
        )

    run(main())


def test_looks_are_wanted_at_every_exact_target() -> None:
    async def main() -> None:
        lab = Lab()
        lab.upstreams.want_looks()
        assert lab.wanted == NAMES

    run(main())
