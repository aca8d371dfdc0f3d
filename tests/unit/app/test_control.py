"""The control socket without a gate behind it."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.app.control import Control, ControlError, Reply, ask, control_path

ASKED = b'{"verb": "reload"}\n'


def control(path: Path) -> Control:
    return Control(path, {"reload": lambda who: Reply(True, f"done for {who}")})


def served(path: Path, do: Callable[[], Reply]) -> Reply:
    async def main() -> Reply:
        here = control(path)
        await here.open()
        try:
            return await asyncio.to_thread(do)
        finally:
            await here.close()

    return asyncio.run(main())


def test_its_owner_is_told_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    assert served(path, lambda: ask(path, "reload")) == Reply(True, f"done for uid {os.getuid()}")


def test_only_the_owner_can_open_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def mode() -> Reply:
        return Reply(True, oct(stat.S_IMODE(path.stat().st_mode)))

    assert served(path, mode).said == "0o600"


def test_another_user_is_refused_though_he_came_through(tmp_path: Path) -> None:
    reply = control(tmp_path / "control.sock").answer(ASKED, uid=os.getuid() + 1)

    assert not reply.done
    assert "may not" in reply.said


def test_root_may_ask_a_gate_of_any_user(tmp_path: Path) -> None:
    assert control(tmp_path / "control.sock").answer(ASKED, uid=0).done


@pytest.mark.parametrize("line", [b"", b"reload\n", b"{}\n", b'{"verb": 1}\n', b"\xff\n", b"[" * 3000])
def test_what_is_no_request_is_answered_as_that(tmp_path: Path, line: bytes) -> None:
    assert control(tmp_path / "control.sock").answer(line, uid=0) == Reply(False, "that is not a request")


def test_an_unknown_verb_is_told_the_known_ones(tmp_path: Path) -> None:
    reply = control(tmp_path / "control.sock").answer(b'{"verb": "explode"}', uid=0)

    assert reply == Reply(False, "this gate knows reload, and no 'explode'")


def test_whoever_sends_too_long_a_line_is_hung_up_on(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def shout() -> Reply:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"x" * 100_000)
                return Reply(False, connection.recv(100).decode())
            return Reply(False, "")

    assert served(path, shout).said == ""


def test_a_path_longer_than_a_socket_can_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="over 107 bytes"):
        asyncio.run(control(tmp_path / ("x" * 120)).open())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="No such file"):
        asyncio.run(control(tmp_path / "absent" / "control.sock").open())


@pytest.mark.parametrize(
    ("environ", "state", "path"),
    [
        pytest.param({}, None, None, id="no place"),
        pytest.param({}, Path("/s"), Path("/s/control.sock"), id="state"),
        pytest.param({"RUNTIME_DIRECTORY": "/run/a:/run/b"}, Path("/s"), Path("/run/a/control.sock"), id="systemd"),
    ],
)
def test_it_lies_where_the_system_has_a_place_for_it(
    environ: dict[str, str], state: Path | None, path: Path | None
) -> None:
    assert control_path(state, environ) == path
