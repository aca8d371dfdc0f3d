"""Asking a stand-in for a publisher: nothing but the one read is sent, whatever it answers."""

import asyncio
import functools
import gc
import re
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec

import pytest
from msgspec import structs

from licensegate.licensing.report import Reading
from licensegate.products.by_hand import ask_by_hand
from licensegate.products.client import fetch
from licensegate.products.memory import AskMemory, LastAsk, settings_digest
from licensegate.products.no_answer import NoAnswerError, NoAnswerReason
from licensegate.products.poller import ProductPoller
from licensegate.products.request import body
from licensegate.products.settings import LEAST_SECONDS, AskedProduct
from support.authority import Authority
from support.axl import StandInAxl, answer

P = ParamSpec("P")


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


PASSWORD = "s3cret-of-axl"
THE_READ = re.compile(
    rb"POST /axl/ HTTP/1\.1\r\n(?=(?:[^\r\n]+\r\n)*SOAPAction: \"CUCM:DB ver=12\.5 getSmartLicenseStatus\"\r\n)"
    rb"(?:[\w-]+: [^\r\n]+\r\n)+\r\n" + re.escape(body("12.5"))
)


def product(axl: StandInAxl, folder: Path, name: str = "CUCM-PUB", **more: Any) -> AskedProduct:
    file = folder / f"{name}.password"
    if not file.exists():
        file.write_text(PASSWORD)
    found = AskedProduct(name, "localhost", axl.port, "axl-reader", file, ca=axl.root)
    return structs.replace(found, **more)


class Asking:
    """A poller whose clock jumps to the next time that is due, so that it never waits."""

    def __init__(self, *products: AskedProduct, memory: AskMemory | None = None) -> None:
        self.now = 0.0
        self.heard: list[tuple[str, Reading, datetime]] = []
        self.poller = ProductPoller(
            products, "LicenseGate/test", lambda *said: self.heard.append(said), lambda: self.now, lambda: 0.0, memory
        )

    def jump(self) -> float:
        """Go to the time of the next question, and return how far that was."""
        before = self.now
        self.now = max(self.now, min(each.schedule.due for each in self.poller.products.values()))
        return self.now - before

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the poller run until the condition holds."""
        running = asyncio.ensure_future(self.poller.run())
        try:
            async with asyncio.timeout(60):
                while not condition():
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            await asyncio.wait({running})

    async def ask(self) -> None:
        """Jump to the next question and wait until it has been dealt with."""
        self.jump()
        asked = min(self.poller.products.values(), key=lambda each: each.schedule.due)
        due = asked.schedule.due
        await self.until(lambda: asked.schedule.due != due)


class Remembered:
    """A memory that outlasts pollers."""

    def __init__(self) -> None:
        self.is_ready = True
        self.asks: dict[str, LastAsk] = {}

    def last_ask(self, client: str) -> LastAsk | None:
        return self.asks.get(client)

    def keep_ask(self, client: str, ask: LastAsk) -> None:
        self.asks[client] = ask


def failure_of(asking: Asking, name: str = "CUCM-PUB") -> NoAnswerReason | None:
    return asking.poller.products[name].failure


@in_a_loop
async def test_an_answer_is_kept_and_handed_over(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        asking = Asking(product(axl, tmp_path))
        await asking.ask()

    ((client, reading, at),) = asking.heard
    kept = asking.poller.products["CUCM-PUB"].answer
    assert client == "CUCM-PUB"
    assert reading.report.authorization.deadline == "2026-04-01T14:55:19 EDT"
    assert kept is not None
    assert (kept.reading, kept.at) == (reading, at)
    assert asking.poller.products["CUCM-PUB"].answered == 1


FLOOD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000000\r\n\r\n"


def flood() -> Iterator[bytes]:
    yield FLOOD
    for _ in range(1525):
        yield b"<a>" * 21845


ANSWERS = [
    pytest.param(answer(status="401 Unauthorized"), NoAnswerReason.LOGIN_REFUSED, id="wrong password"),
    pytest.param(answer(status="403 Forbidden"), NoAnswerReason.NOT_ALLOWED, id="no role"),
    pytest.param(answer(b"", "Retry-After: 90000", status="503 Busy"), NoAnswerReason.THROTTLED, id="throttled"),
    pytest.param(answer(b"", "Location: /axl2/", status="302 Found"), NoAnswerReason.REDIRECTED, id="redirect"),
    pytest.param(answer(b"", "Location: /axl2/", status="307 Again"), NoAnswerReason.REDIRECTED, id="redirected post"),
    pytest.param(answer(b"rubbish"), NoAnswerReason.NOT_AXL, id="rubbish"),
    pytest.param(b"\x00\x01\x02 rubbish\r\n\r\n", NoAnswerReason.NOT_AXL, id="no HTTP"),
    pytest.param(answer(b"<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>"), NoAnswerReason.NOT_AXL, id="entities"),
    pytest.param(b"", NoAnswerReason.UNREACHABLE, id="closed without a word"),
]


@pytest.mark.parametrize(("said", "reason"), ANSWERS)
@in_a_loop
async def test_a_failure_has_its_reason_and_sends_nothing_else(
    tmp_path: Path, said: bytes, reason: NoAnswerReason
) -> None:
    with StandInAxl(tmp_path, [said]) as axl:
        asking = Asking(product(axl, tmp_path))
        await asking.ask()

    assert failure_of(asking) is reason
    assert asking.heard == []
    assert len(axl.requests) == 1
    assert THE_READ.fullmatch(axl.requests[0])


@in_a_loop
async def test_only_the_one_read_is_ever_sent(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [answer(), answer(b"?"), answer(b"", status="503 Busy"), answer()]) as axl:
        asking = Asking(product(axl, tmp_path))
        for _ in range(4):
            await asking.ask()

    assert len(axl.requests) == axl.connections == 4
    assert all(THE_READ.fullmatch(request) for request in axl.requests)


@in_a_loop
async def test_of_100_mb_only_the_first_is_read(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [flood()]) as axl:
        asking = Asking(product(axl, tmp_path))
        await asking.ask()

    assert failure_of(asking) is NoAnswerReason.TOO_LARGE


@in_a_loop
async def test_silence_ends_in_time(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [None]) as axl, pytest.raises(NoAnswerError) as caught:
        await fetch(product(axl, tmp_path), PASSWORD, "LicenseGate/test", seconds=0.5)

    assert caught.value.reason is NoAnswerReason.TIMED_OUT


@in_a_loop
async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        gone = product(axl, tmp_path)
    with pytest.raises(NoAnswerError) as caught:
        await fetch(gone, PASSWORD, "LicenseGate/test")

    assert caught.value.reason is NoAnswerReason.UNREACHABLE


@pytest.mark.parametrize("how", ["another CA", "another name", "another fingerprint"])
@in_a_loop
async def test_a_wrong_certificate_gets_no_request(tmp_path: Path, how: str) -> None:
    others: dict[str, Any] = {"another name": {"host": "127.0.0.1"}}
    others["another CA"] = {"ca": Authority(tmp_path, "another CA").root}
    others["another fingerprint"] = {"ca": None, "fingerprint": "0" * 64}
    with StandInAxl(tmp_path) as axl:
        asking = Asking(product(axl, tmp_path, **others[how]))
        await asking.ask()

    assert failure_of(asking) is NoAnswerReason.CERTIFICATE
    assert [request for request in axl.requests if request] == []


@pytest.mark.parametrize("how", ["another CA", "another fingerprint"])
@pytest.mark.parametrize("order", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]], ids=["first", "last"])
@in_a_loop
async def test_a_wrong_certificate_is_told_though_another_address_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, order: list[str]
) -> None:
    async def resolve(_self: object, host: str, port: int, family: int) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0} for each in order
        ]

    others: dict[str, Any] = {"another CA": {"ca": Authority(tmp_path, "another CA").root}}
    others["another fingerprint"] = {"ca": None, "fingerprint": "0" * 64}
    with StandInAxl(tmp_path) as axl:
        monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
        asking = Asking(product(axl, tmp_path, **others[how]))
        await asking.ask()

    assert failure_of(asking) is NoAnswerReason.CERTIFICATE


@in_a_loop
async def test_a_pinned_certificate_is_taken_under_any_name(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        asking = Asking(product(axl, tmp_path, host="127.0.0.1", ca=None, fingerprint=axl.fingerprint))
        await asking.ask()

    assert len(asking.heard) == 1


@in_a_loop
async def test_a_refused_password_is_not_sent_again_until_it_changes(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        asked = product(axl, tmp_path)
        asking = Asking(asked)
        for _ in range(5):
            await asking.ask()
        asked.password_file.touch()
        await asking.ask()
        assert axl.connections == 1

        asked.password_file.write_text("another")
        await asking.ask()

    assert axl.connections == 2
    assert len(asking.heard) == 1
    assert failure_of(asking) is None


@in_a_loop
async def test_a_refused_password_is_not_sent_after_a_restart(tmp_path: Path) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        asked = product(axl, tmp_path)
        await Asking(asked, memory=memory).ask()

        restarted = Asking(asked, memory=memory)
        for _ in range(3):
            await restarted.ask()
        assert axl.connections == 1

        asked.password_file.write_text("another")
        await restarted.ask()

    assert axl.connections == 2
    assert len(restarted.heard) == 1
    assert PASSWORD not in repr(memory.asks)


@in_a_loop
async def test_a_refused_password_stays_refused_whatever_else_changes(tmp_path: Path) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        asked = product(axl, tmp_path)
        asking = Asking(asked, memory=memory)
        await asking.ask()
        for changed in (structs.replace(asked, every=2 * LEAST_SECONDS), structs.replace(asked, axl_version="14.0")):
            asking.poller.adopt([changed])
            await asking.ask()
            restarted = Asking(changed, memory=memory)
            await restarted.ask()
            assert failure_of(asking) is failure_of(restarted) is NoAnswerReason.LOGIN_REFUSED
        assert axl.connections == 1

        asking.poller.adopt([structs.replace(asked, username="other")])
        await asking.ask()

    assert axl.connections == 2


@in_a_loop
async def test_a_start_says_that_a_password_is_still_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized")]) as axl:
        asked = product(axl, tmp_path)
        await Asking(asked, memory=memory).ask()
        caplog.clear()
        restarted = Asking(asked, memory=memory)
        for _ in range(3):
            await restarted.ask()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the product of client CUCM-PUB" in caplog.text
    assert "is not asked" in caplog.text


@in_a_loop
async def test_a_password_changed_while_the_gate_is_down_is_tried(tmp_path: Path) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        asked = product(axl, tmp_path)
        await Asking(asked, memory=memory).ask()
        asked.password_file.write_text("another")

        restarted = Asking(asked, memory=memory)
        await restarted.ask()

    assert len(restarted.heard) == 1


@pytest.mark.parametrize("said", [answer(), answer(b"?")], ids=["answered", "failed"])
@in_a_loop
async def test_a_restart_keeps_the_time_between_two_questions(tmp_path: Path, said: bytes) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [said]) as axl:
        asked = product(axl, tmp_path)
        await Asking(asked, memory=memory).ask()

        restarted = Asking(asked, memory=memory)
        await restarted.ask()
        assert axl.connections == 1
        left = restarted.jump()
        changed = Asking(structs.replace(asked, username="other"), memory=memory)
        await changed.ask()

    assert LEAST_SECONDS - 300 < left <= LEAST_SECONDS
    assert axl.connections == 2


@in_a_loop
async def test_an_ask_by_hand_counts_for_a_gate_that_runs(tmp_path: Path) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path, [answer(), answer(), answer(status="401 Unauthorized")]) as axl:
        asked = product(axl, tmp_path)
        asking = Asking(asked, memory=memory)
        await asking.ask()

        await ask_by_hand(asked, "LicenseGate/test", memory, datetime.now(UTC))
        await asking.ask()
        assert axl.connections == 2
        assert asking.jump() > LEAST_SECONDS - 300

        with pytest.raises(NoAnswerError):
            await ask_by_hand(asked, "LicenseGate/test", memory, datetime.now(UTC))
        await asking.ask()

    assert axl.connections == 3
    assert failure_of(asking) is NoAnswerReason.LOGIN_REFUSED


@in_a_loop
async def test_a_wait_that_a_wrong_clock_kept_holds_nobody_back(tmp_path: Path) -> None:
    memory = Remembered()
    with StandInAxl(tmp_path) as axl:
        asked = product(axl, tmp_path)
        memory.asks["CUCM-PUB"] = LastAsk(settings_digest(asked), datetime(2199, 1, 1, tzinfo=UTC))
        asking = Asking(asked, memory=memory)
        await asking.ask()

    assert len(asking.heard) == 1


@in_a_loop
async def test_nobody_is_asked_before_the_memory_is_read(tmp_path: Path) -> None:
    memory = Remembered()
    memory.is_ready = False
    with StandInAxl(tmp_path) as axl:
        asking = Asking(product(axl, tmp_path), memory=memory)
        await asking.ask()
        assert axl.connections == 0

        memory.is_ready = True
        await asking.ask()

    assert len(asking.heard) == 1


@in_a_loop
async def test_a_throttling_product_is_left_alone(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [answer(b"", "Retry-After: 90000", status="503 Busy")]) as axl:
        asking = Asking(product(axl, tmp_path))
        await asking.ask()

    assert asking.jump() == 90000


@in_a_loop
async def test_products_are_asked_one_at_a_time(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [None]) as axl:
        asking = Asking(product(axl, tmp_path, "A"), product(axl, tmp_path, "B"))
        asking.jump()
        await asking.until(axl.arrived.is_set)

    assert axl.connections == 1


@in_a_loop
async def test_a_reload_that_removes_a_product_ends_its_request(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [None, answer()]) as axl:
        asking = Asking(product(axl, tmp_path, "A"))
        asking.jump()

        def removed_and_asked() -> bool:
            if axl.arrived.is_set() and "A" in asking.poller.products:
                asking.poller.adopt([product(axl, tmp_path, "B")])
                asking.jump()
                asking.poller.adopt(each.settings for each in asking.poller.products.values())
            return bool(asking.heard)

        await asking.until(removed_and_asked)

    assert [client for client, _, _ in asking.heard] == ["B"]


@in_a_loop
async def test_a_reload_keeps_the_times_and_answers_of_the_same_product(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        asked = product(axl, tmp_path)
        asking = Asking(asked)
        await asking.ask()
        before = asking.poller.products["CUCM-PUB"]
        asking.poller.adopt([asked])

    assert asking.poller.products["CUCM-PUB"] is before


@in_a_loop
async def test_a_stop_while_it_waits_ends_at_once(tmp_path: Path) -> None:
    with StandInAxl(tmp_path, [None]) as axl:
        asking = Asking(product(axl, tmp_path))
        asking.jump()
        await asking.until(axl.arrived.is_set)
        gc.collect()

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


@in_a_loop
async def test_no_message_has_the_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for said in (answer(status="401 Unauthorized"), answer(PASSWORD.encode(), status="500 Error"), b"\x00"):
        with StandInAxl(tmp_path, [said]) as axl:
            asking = Asking(product(axl, tmp_path))
            await asking.ask()
            assert PASSWORD not in repr(asking.poller.products["CUCM-PUB"].settings)

    assert "gave no answer" in caplog.text
    assert PASSWORD not in caplog.text


@in_a_loop
async def test_a_password_file_that_cannot_be_read_has_its_reason(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        asked = product(axl, tmp_path)
        asked.password_file.write_text("two\nlines\n")
        asking = Asking(asked)
        await asking.ask()

    assert failure_of(asking) is NoAnswerReason.PASSWORD_FILE
    assert axl.connections == 0
