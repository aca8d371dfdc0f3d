"""The control socket without a gate behind it."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.app.service.control import Control, ControlError, Reply, ask, control_path

ASKED = b'{"verb": "reload"}\n'


def control() -> Control:
    return Control({"reload": lambda who: Reply(True, f"done for {who}")})


def served(path: Path, do: Callable[[], Reply]) -> Reply:
    async def main() -> Reply:
        here = control()
        here.serve_at(path)
        try:
            return await asyncio.to_thread(do)
        finally:
            here.close()

    return asyncio.run(main())


def test_its_owner_is_told_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    assert served(path, lambda: ask(path, "reload")) == Reply(True, f"done for uid {os.getuid()}")


def test_a_path_that_is_no_text_can_be_told_of(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> Reply:
        here = Control({"reload": lambda who: Reply(True, os.fsdecode(b"settings from gate-\xff.toml"))})
        here.serve_at(path)
        try:
            return await asyncio.to_thread(ask, path, "reload")
        finally:
            here.close()

    assert asyncio.run(main()) == Reply(True, "settings from gate-\\udcff.toml")


def test_only_the_owner_can_open_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def mode() -> Reply:
        return Reply(True, oct(stat.S_IMODE(path.stat().st_mode)))

    assert served(path, mode).said == "0o600"


def test_another_user_is_refused_though_he_came_through() -> None:
    reply = control().answer(ASKED, uid=os.getuid() + 1)

    assert not reply.done
    assert "may not" in reply.said


def test_root_may_ask_a_gate_of_any_user() -> None:
    assert control().answer(ASKED, uid=0).done


@pytest.mark.parametrize("line", [b"", b"reload\n", b"{}\n", b'{"verb": 1}\n', b"\xff\n", b"[" * 3000])
def test_what_is_no_request_is_answered_as_that(line: bytes) -> None:
    assert control().answer(line, uid=0) == Reply(False, "that is not a request")


def test_an_unknown_verb_is_told_the_known_ones() -> None:
    reply = control().answer(b'{"verb": "explode"}', uid=0)

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
        control().serve_at(tmp_path / ("x" * 120))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="No such file"):
        control().serve_at(tmp_path / "absent" / "control.sock")


def test_a_folder_that_two_gates_share_is_named_with_what_to_change(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def share() -> Reply:
        with pytest.raises(ControlError, match=f"another gate serves {path}; give each gate a state.directory"):
            control().serve_at(path)
        return ask(path, "reload")

    assert served(path, share).done


def test_it_moves_and_is_made_again_where_it_was_removed(tmp_path: Path) -> None:
    before, after = tmp_path / "before.sock", tmp_path / "after.sock"

    async def main() -> None:
        here = control()
        here.serve_at(before)
        here.serve_at(after)
        assert not before.exists()
        for _ in range(2):
            assert (await asyncio.to_thread(ask, after, "reload")).done
            after.unlink()
            here.serve_at(after)
        with pytest.raises(ControlError):
            here.serve_at(tmp_path / "absent" / "control.sock")
        assert (await asyncio.to_thread(ask, after, "reload")).done
        here.close()
        assert not after.exists()

    asyncio.run(main())


def test_it_ends_quietly_where_its_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()

    def replace_by_file() -> Reply:
        (folder / "control.sock").unlink()
        folder.rmdir()
        folder.touch()
        return Reply(True, "")

    assert served(folder / "control.sock", replace_by_file).done
    assert folder.is_file()


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
