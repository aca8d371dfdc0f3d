"""Notifications to the service manager."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.app.service.systemd import (
    notify_alive,
    notify_main_process,
    notify_ready,
    notify_reloading,
    notify_stopping,
    watchdog_interval,
)
from support.sockets import run, turns


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A service manager's socket, and the environment of its services."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        if request.param == "path":
            listening.bind(str(tmp_path / "notify"))
            yield listening, {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        else:
            listening.bind("")  # the kernel chooses a name
            yield listening, {"NOTIFY_SOCKET": "@" + listening.getsockname()[1:].decode()}


def test_ready_carries_the_status(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    notify_ready(environment, "listening on [::]:3128")

    assert listening.recv(1000) == b"READY=1\nSTATUS=listening on [::]:3128"


def test_an_undecodable_path_in_the_status_is_escaped(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    notify_ready(environment, os.fsdecode(b"settings from gate-\xff.toml"))

    assert listening.recv(1000) == b"READY=1\nSTATUS=settings from gate-\\udcff.toml"


def test_reloading_carries_the_time(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    notify_reloading(environment)
    first, second = listening.recv(1000).decode().splitlines()

    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


def test_stopping_asks_for_more_time_than_the_drain(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    notify_stopping(environment, 60.5)

    assert listening.recv(1000) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=65500000"


def test_without_a_manager_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    notify_ready({}, "listening on [::]:3128")

    assert not caplog.records


def test_a_missing_manager_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notify_ready({"NOTIFY_SOCKET": str(tmp_path / "gone")}, "listening on [::]:3128")

    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "cannot send READY=1 to the service manager: No such file or directory"


def test_an_invalid_address_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    notify_ready({"NOTIFY_SOCKET": "/" + "x" * 200}, "listening on [::]:3128")

    assert caplog.messages == ["cannot send READY=1 to the service manager: AF_UNIX path too long"]


def test_an_alive_notification_feeds_the_watchdog(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    notify_alive(environment)

    assert listening.recv(1000) == b"WATCHDOG=1"


def test_a_manager_that_does_not_read_is_not_waited_for(
    manager: tuple[socket.socket, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    _, environment = manager
    while not caplog.messages:
        notify_alive(environment)

    assert caplog.messages == ["cannot send WATCHDOG=1 to the service manager: Resource temporarily unavailable"]


OWN = str(os.getpid())


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OWN}, 15.0, id="this process"),
        pytest.param({"WATCHDOG_USEC": "1000000"}, 0.5, id="no process named"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None, id="another process"),
        pytest.param({"WATCHDOG_PID": OWN}, None, id="no time"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="zero"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="not a number"),
        pytest.param({}, None, id="no watchdog"),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(environment: dict[str, str], seconds: float | None) -> None:
    assert watchdog_interval(environment) == seconds


def test_the_new_main_process_is_told_even_if_the_manager_is_busy(
    manager: tuple[socket.socket, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    listening, environment = manager
    while not caplog.messages:
        notify_alive(environment)

    async def main() -> None:
        telling = asyncio.ensure_future(notify_main_process(environment, 7))
        await turns()
        assert not telling.done()
        listening.recv(1000)
        await telling

    run(main())
    listening.setblocking(False)
    said = []
    with contextlib.suppress(BlockingIOError):
        while True:
            said.append(listening.recv(1000))
    assert said[-1] == b"MAINPID=7"


def test_a_manager_that_cannot_be_told_of_the_new_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(notify_main_process({"NOTIFY_SOCKET": str(tmp_path / "gone")}, 7))
