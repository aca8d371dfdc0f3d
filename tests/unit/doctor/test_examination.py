"""The runner of steps: order, limits, needs, faults, and what a stopped run keeps."""

import asyncio
from collections.abc import Awaitable, Callable

from licensegate.doctor.examination import Examination
from licensegate.doctor.step import Series, Step, StepResult, StepVerdict, failed, merged, ok, skipped, warning, worst
from support.sockets import run

Look = Callable[[], Awaitable[StepResult]]


def finds(result: StepResult) -> Look:
    async def look() -> StepResult:
        return result

    return look


async def never() -> StepResult:
    await asyncio.Event().wait()
    raise RuntimeError("unreachable")


def examined(*plan: Series, seconds: float = 20) -> tuple[Examination, list[str]]:
    """Run a plan. Returns the examination and the names of the steps in the order in which they were told."""
    told: list[str] = []
    examination = Examination(plan, lambda result: told.append(result.name))
    run(examination.run(seconds))
    return examination, told


def verdicts(examination: Examination) -> dict[str, str]:
    return {result.name: result.verdict.value for result in examination.results}


def test_results_carry_name_and_subject_of_their_step() -> None:
    examination, _ = examined((Step("names", "a.example:443", finds(ok("fine"))),))
    (result,) = examination.results
    assert (result.name, result.subject, result.verdict, result.seen) == ("names", "a.example:443", "ok", "fine")


def test_a_step_needs_that_an_earlier_one_did_not_fail() -> None:
    series = (
        Step("first", "a", finds(failed("broken", "mend it"))),
        Step("second", "a", finds(ok("never looked at")), ("first",)),
        Step("third", "a", finds(ok("never looked at")), ("second",)),
        Step("fourth", "a", finds(ok("looked at"))),
    )
    examination, _ = examined(series)
    assert verdicts(examination) == {"first": "failed", "second": "skipped", "third": "skipped", "fourth": "ok"}


def test_a_warning_holds_up_no_later_step() -> None:
    series = (Step("first", "a", finds(warning("slow", "mend it"))), Step("second", "a", finds(ok("fine")), ("first",)))
    examination, _ = examined(series)
    assert verdicts(examination)["second"] == "ok"


def test_a_step_that_takes_too_long_fails_with_its_own_cure() -> None:
    examination, _ = examined((Step("hangs", "a", never, seconds=0.01, late="unplug it"),))
    (result,) = examination.results
    assert (result.verdict, result.cure) == (StepVerdict.FAILED, "unplug it")


def test_a_fault_of_a_step_is_a_result_and_stops_no_other() -> None:
    async def broken() -> StepResult:
        raise ZeroDivisionError("secret")

    examination, _ = examined((Step("broken", "a", broken), Step("next", "a", finds(ok("fine")))))
    assert verdicts(examination) == {"broken": "failed", "next": "ok"}
    assert examination.results[0].seen == "a fault in the doctor: ZeroDivisionError"


def test_results_are_told_in_the_order_of_the_plan() -> None:
    first_may_end = asyncio.Event()

    async def late() -> StepResult:
        await first_may_end.wait()
        return ok("late")

    async def early() -> StepResult:
        first_may_end.set()
        return ok("early")

    _, told = examined((Step("one", "a", late), Step("two", "a", finds(ok("")))), (Step("three", "b", early),))
    assert told == ["one", "two", "three"]


def test_at_the_end_of_the_time_the_rest_is_skipped() -> None:
    series = (Step("done", "a", finds(ok("fine"))), Step("hangs", "a", never), Step("after", "a", finds(ok("fine"))))
    examination, told = examined(series, seconds=0.05)
    assert verdicts(examination) == {"done": "ok", "hangs": "skipped", "after": "skipped"}
    assert told == ["done", "hangs", "after"]
    assert not examination.interrupted


def test_a_cancelled_examination_keeps_what_it_knows() -> None:
    examination = Examination([(Step("done", "a", finds(ok("fine"))), Step("hangs", "a", never))], lambda _: None)

    async def stop() -> None:
        running = asyncio.ensure_future(examination.run())
        while not examination.results:
            await asyncio.sleep(0)
        running.cancel()
        await running

    run(stop())
    assert examination.interrupted
    assert verdicts(examination) == {"done": "ok", "hangs": "skipped"}


def test_no_more_than_four_series_run_at_a_time() -> None:
    running, most = 0, 0

    async def counted() -> StepResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return ok("")

    examined(*((Step("one", str(number), counted),) for number in range(12)))
    assert most == 4


def test_the_worst_verdict_comes_first_in_a_merged_result() -> None:
    both = merged(
        [ok("fine"), warning("slow", "mend it"), failed("broken", "replace it"), failed("dead", "replace it")]
    )
    assert both == failed("broken; dead; slow; fine", "replace it; mend it")


def test_a_skipped_step_is_worse_than_a_good_one_only() -> None:
    assert worst([ok(""), skipped("")]) is StepVerdict.SKIPPED
    assert worst([skipped(""), warning("", "")]) is StepVerdict.WARNING
    assert worst([]) is StepVerdict.OK
