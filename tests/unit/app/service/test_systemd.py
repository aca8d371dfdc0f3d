import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.app.service.systemd import tell_ready, tell_reloading, tell_stopping


@pytest.fixture(params=["a file", "a name of the kernel's"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """What a service manager listens on, and the environment that it gives to its services."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        if request.param == "a file":
            listening.bind(str(tmp_path / "notify"))
            yield listening, {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        else:
            listening.bind("")  # the kernel chooses a name
            yield listening, {"NOTIFY_SOCKET": "@" + listening.getsockname()[1:].decode()}


def test_it_is_told_that_the_gate_is_ready(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    tell_ready(environment, "listening on [::]:3128")

    assert listening.recv(1000) == b"READY=1\nSTATUS=listening on [::]:3128"


def test_it_is_told_of_a_path_that_is_no_text(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    tell_ready(environment, os.fsdecode(b"settings from gate-\xff.toml"))

    assert listening.recv(1000) == b"READY=1\nSTATUS=settings from gate-\\udcff.toml"


def test_it_is_told_of_a_reload_and_when(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    tell_reloading(environment)
    first, second = listening.recv(1000).decode().splitlines()

    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


def test_it_is_told_to_wait_longer_than_tunnels_may_drain(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    tell_stopping(environment, 60.5)

    assert listening.recv(1000) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=65500000"


def test_without_a_manager_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tell_ready({}, "listening on [::]:3128")

    assert not caplog.records


def test_a_manager_that_is_gone_is_named_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tell_ready({"NOTIFY_SOCKET": str(tmp_path / "gone")}, "listening on [::]:3128")

    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "the service manager cannot be told READY=1: No such file or directory"


def test_an_address_that_no_socket_can_have_is_named_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    tell_ready({"NOTIFY_SOCKET": "/" + "x" * 200}, "listening on [::]:3128")

    assert caplog.messages == ["the service manager cannot be told READY=1: AF_UNIX path too long"]
