"""When which target is looked at, with a clock of the test's own and looks that the test answers."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.app.service.probe_process import ProbeFailedError
from licensegate.app.service.target_looks import TargetLooks
from licensegate.app.settings import Looks
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.target_verdict import TargetVerdict
from support.records import NOON
from support.sockets import run, turns, until

ONE, TWO = Rule("one.example"), Rule("two.example", 8443)
HOUR = 3600.0


class Lab:
    """Looks that end at once, or when the test lets them."""

    def __init__(self, *rules: Rule, seconds: int | None = 3600) -> None:
        self.policy = Policy([], rules or (ONE,), {})
        self.settings = Looks(seconds)
        self.now = 0.0
        self.made: list[tuple[str, float]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None
        self.looks = TargetLooks(
            self._look,
            TargetNames(lambda: self.policy),
            TargetReports(),
            lambda: self.settings,
            lambda: self.now,
            lambda low, high: (low + high) / 2,
        )

    def _look(self, target: Target, rule: Rule, roots: Path | None) -> Awaitable[TargetReport]:
        return self._answer(str(target))

    async def _answer(self, name: str) -> TargetReport:
        self.made.append((name, self.now))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            if self.hold is not None:
                await self.hold.wait()
            if self.error is not None:
                raise self.error
            return TargetReport(name, NOON, TargetVerdict.PUBLIC)
        finally:
            self.at_once -= 1

    async def pass_time(self, seconds: float, step: float = 30) -> None:
        """Let time pass, waking the plan as its own timer would."""
        until_then = self.now + seconds
        while self.now < until_then:
            self.now += step
            self.looks.settings_changed()
            await turns(10)

    def times(self, name: str = "one.example:443") -> list[float]:
        return [at for made, at in self.made if made == name]


def in_lab(test: Callable[[Lab], Awaitable[None]], lab: Callable[[], Lab] = Lab) -> None:
    async def main() -> None:
        made = lab()
        made.looks.start()
        await turns(10)
        await test(made)
        await made.looks.stop()

    run(main())


def test_each_target_is_looked_at_in_the_interval() -> None:
    async def test(lab: Lab) -> None:
        await lab.pass_time(3 * HOUR)
        first, second, third = lab.times()
        assert 60 <= first <= 600
        assert second - first == third - second == HOUR
        assert len(lab.times("two.example:8443")) == 3

    in_lab(test, lambda: Lab(ONE, TWO))


def test_no_target_is_looked_at_while_looks_are_off() -> None:
    async def test(lab: Lab) -> None:
        lab.looks.want("one.example:443")
        await lab.pass_time(25 * HOUR, HOUR)
        assert lab.made == []

    in_lab(test, lambda: Lab(seconds=None))


def test_a_suspicious_end_causes_a_look_at_once() -> None:
    async def test(lab: Lab) -> None:
        lab.looks.want("one.example:443")
        await until(lambda: lab.made)
        assert lab.times() == [0.0]

    in_lab(test)


def test_many_suspicious_ends_cause_at_most_one_look_a_minute() -> None:
    async def test(lab: Lab) -> None:
        for _ in range(30):
            lab.looks.want("one.example:443")
            await lab.pass_time(10, 10)
        times = lab.times()
        assert len(times) == 5
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 60

    in_lab(test)


def test_a_target_outside_the_allowlist_is_not_wanted() -> None:
    async def test(lab: Lab) -> None:
        lab.looks.want("other.example:443")
        await lab.pass_time(60)
        assert lab.made == []

    in_lab(test)


def test_the_first_look_is_wanted_once() -> None:
    async def test(lab: Lab) -> None:
        for _ in range(5):
            lab.looks.want_first("one.example:443")
            await lab.pass_time(12, 12)
        assert len(lab.made) == 1

    in_lab(test)


def test_a_report_of_the_last_minute_is_given_again() -> None:
    async def test(lab: Lab) -> None:
        first = await lab.looks.look(Target("one.example", 443), ONE)
        lab.now += 59
        assert await lab.looks.look(Target("one.example", 443), ONE) is first
        lab.now += 2
        assert await lab.looks.look(Target("one.example", 443), ONE) is not first

    in_lab(test)


def test_there_is_one_look_at_a_time() -> None:
    async def test(lab: Lab) -> None:
        lab.hold = asyncio.Event()
        asked = [asyncio.ensure_future(lab.looks.look(Target(rule.host, rule.port), rule)) for rule in (ONE, TWO, ONE)]
        await turns(20)
        assert lab.at_once == 1
        lab.hold.set()
        await asyncio.gather(*asked)
        assert (lab.most_at_once, len(lab.made)) == (1, 2)

    in_lab(test, lambda: Lab(ONE, TWO))


@pytest.mark.parametrize("error", [ProbeFailedError("killed"), RuntimeError("a fault")])
def test_a_look_that_fails_is_tried_again_later(error: Exception) -> None:
    async def test(lab: Lab) -> None:
        lab.error = error
        await lab.pass_time(2 * HOUR)
        assert len(lab.made) == 2
        lab.error = None
        await lab.pass_time(HOUR)
        assert lab.looks.reports.by_target.keys() == {"one.example:443"}

    in_lab(test)


def test_a_reload_changes_targets_and_interval() -> None:
    async def test(lab: Lab) -> None:
        await lab.pass_time(HOUR / 2)
        lab.policy, lab.settings = Policy([], [TWO], {}), Looks(60)
        before = len(lab.times())
        await lab.pass_time(600)
        assert len(lab.times()) == before == 1
        assert len(lab.times("two.example:8443")) >= 5

    in_lab(test, lambda: Lab(seconds=86400))


def test_a_stop_ends_the_look_in_progress() -> None:
    async def test(lab: Lab) -> None:
        lab.hold = asyncio.Event()
        asked = asyncio.ensure_future(lab.looks.look(Target("one.example", 443), ONE))
        lab.looks.want("one.example:443")
        await until(lambda: lab.at_once)
        await lab.looks.stop()
        assert lab.at_once == 0
        with pytest.raises(ProbeFailedError, match="the gate is stopping"):
            await asked
        with pytest.raises(ProbeFailedError, match="the gate is stopping"):
            await lab.looks.look(Target("one.example", 443), ONE)

    in_lab(test)
