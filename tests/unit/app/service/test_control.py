"""The control socket, without a gate behind it."""

import asyncio
import contextlib
import errno
import os
import pwd
import socket
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from licensegate.app.service import control_protocol as control_module
from licensegate.app.service.control import Control
from licensegate.app.service.control_client import ask, ask_for_answer
from licensegate.app.service.control_protocol import ControlError, Reply, Request, control_path
from licensegate.app.settings import packaged
from licensegate.files import off_loop
from licensegate.records.requester import Requester

RELOAD = b'{"command": "reload"}\n'


async def reload(requester: Requester, request: Request) -> Reply:
    return Reply(True, f"done for {requester}{' with defaults' * request.defaults}")


def control() -> Control:
    return Control({"reload": reload})


def answer(line: bytes, uid: int = 0) -> Reply:
    reply = asyncio.run(control().answer(line, Requester(uid)))
    assert isinstance(reply, Reply)
    return reply


def while_serving(path: Path, do: Callable[[], Reply]) -> Reply:
    async def main() -> Reply:
        served = control()
        await served.serve_at(path)
        try:
            return await asyncio.to_thread(do)
        finally:
            await served.close()

    return asyncio.run(main())


def test_the_owner_gets_the_reply(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    asker = Requester(os.getuid(), pwd.getpwuid(os.getuid()).pw_name, os.getpid())
    assert while_serving(path, lambda: ask(path, Request("reload"))) == Reply(True, f"done for {asker}")


def test_a_user_without_a_name_is_known_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.sock"

    def no_such_user(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", no_such_user)

    asker = Requester(os.getuid(), "", os.getpid())
    assert while_serving(path, lambda: ask(path, Request("reload"))) == Reply(True, f"done for {asker}")


def test_a_directory_of_users_that_hangs_delays_a_command_briefly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, answers = tmp_path / "control.sock", threading.Event()

    def hang(uid: int) -> None:
        answers.wait()

    monkeypatch.setattr(pwd, "getpwuid", hang)
    monkeypatch.setattr(off_loop, "_BRIEFLY_SECONDS", 0.01)

    def twice() -> Reply:
        ask(path, Request("reload"))
        reply = ask(path, Request("reload"))
        answers.set()
        return reply

    asker = Requester(os.getuid(), "", os.getpid())
    assert while_serving(path, twice) == Reply(True, f"done for {asker}")


def test_a_command_of_another_user_is_noted() -> None:
    noted: list[tuple[Requester, str, str]] = []
    served = Control({"reload": reload}, lambda *refused: noted.append(refused))
    stranger = Requester(os.getuid() + 1)

    reply = asyncio.run(served.answer(RELOAD, stranger))

    assert isinstance(reply, Reply)
    assert not reply.ok
    assert noted == [(stranger, "reload", reply.message)]


def test_a_reply_with_an_undecodable_path_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> Reply:
        async def undecodable(requester: Requester, request: Request) -> Reply:
            return Reply(True, os.fsdecode(b"settings from gate-\xff.toml"))

        served = Control({"reload": undecodable})
        await served.serve_at(path)
        try:
            return await asyncio.to_thread(ask, path, Request("reload"))
        finally:
            await served.close()

    assert asyncio.run(main()) == Reply(True, "settings from gate-\\udcff.toml")


def test_a_request_may_accept_defaults(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    reply = while_serving(path, lambda: ask(path, Request("reload", defaults=True)))

    assert reply.message.endswith(" with defaults")


def test_only_the_owner_can_open_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def mode() -> Reply:
        return Reply(True, oct(stat.S_IMODE(path.stat().st_mode)))

    assert while_serving(path, mode).message == "0o600"


def test_another_user_is_refused_even_if_connected() -> None:
    reply = answer(RELOAD, os.getuid() + 1)

    assert not reply.ok
    assert "may not" in reply.message


def test_root_may_command_any_users_gate() -> None:
    assert answer(RELOAD).ok


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"reload\n", b"{}\n", b'{"command": 1}\n', b"\xff\n", b"[" * 3000),
        *(b'{"command": "\x80"}\n', b'{"command": "reload", "x": ' + b"[" * 3000),
    ],
)
def test_an_invalid_request_is_refused(line: bytes) -> None:
    assert answer(line) == Reply(False, "that is not a valid request")


def test_an_unknown_command_is_answered_with_the_known_ones() -> None:
    reply = answer(b'{"command": "explode"}')

    assert reply == Reply(False, "unknown command 'explode'; this gate knows reload")


def test_too_long_a_line_closes_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def shout() -> Reply:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"x" * (4 << 20))
                return Reply(False, connection.recv(100).decode())
            return Reply(False, "")

    assert while_serving(path, shout).message == ""


def test_too_long_a_socket_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="over 107 bytes"):
        asyncio.run(control().serve_at(tmp_path / ("x" * 120)))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="No such file"):
        asyncio.run(control().serve_at(tmp_path / "absent" / "control.sock"))


def test_two_gates_with_one_folder_read_that_each_needs_its_own(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def share() -> Reply:
        with pytest.raises(ControlError, match=f"another gate serves {path}; give each gate a state.directory"):
            asyncio.run(control().serve_at(path))
        return ask(path, Request("reload"))

    assert while_serving(path, share).ok


def test_the_socket_moves_and_is_made_again_if_removed(tmp_path: Path) -> None:
    before, after = tmp_path / "before.sock", tmp_path / "after.sock"

    async def main() -> None:
        served = control()
        await served.serve_at(before)
        await served.serve_at(after)
        assert not before.exists()
        for _ in range(2):
            assert (await asyncio.to_thread(ask, after, Request("reload"))).ok
            after.unlink()
            await served.serve_at(after)
        with pytest.raises(ControlError):
            await served.serve_at(tmp_path / "absent" / "control.sock")
        assert (await asyncio.to_thread(ask, after, Request("reload"))).ok
        await served.close()
        assert not after.exists()

    asyncio.run(main())


def test_closing_works_without_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()

    def replace_by_file() -> Reply:
        (folder / "control.sock").unlink()
        folder.rmdir()
        folder.touch()
        return Reply(True, "")

    assert while_serving(folder / "control.sock", replace_by_file).ok
    assert folder.is_file()


@pytest.mark.parametrize(
    ("environ", "state", "path"),
    [
        pytest.param({}, None, None, id="no place"),
        pytest.param({}, Path("/s"), Path("/s/control.sock"), id="state"),
        pytest.param({"RUNTIME_DIRECTORY": "/run/a:/run/b"}, Path("/s"), Path("/run/a/control.sock"), id="systemd"),
    ],
)
def test_the_path_prefers_systemds_runtime_directory(
    environ: dict[str, str], state: Path | None, path: Path | None
) -> None:
    assert control_path(state, environ) == path


def test_a_command_by_hand_finds_the_packaged_services_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_RUNTIME", tmp_path)
    assert control_path(Path("/s"), {}, packaged.SETTINGS) == tmp_path / "control.sock"
    assert control_path(Path("/s"), {}, Path("/etc/other.toml")) == Path("/s/control.sock")
    monkeypatch.setattr(packaged, "_RUNTIME", tmp_path / "missing")
    assert control_path(Path("/s"), {}, packaged.SETTINGS) == Path("/s/control.sock")


def test_a_passed_socket_is_served_and_left_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        before, after = control(), control()
        await before.serve_at(path)
        assert before.sock is not None
        passed, number = before.sock.dup(), path.stat().st_ino
        before.leave()
        await after.serve_at(path, passed)
        await before.close()
        assert (await asyncio.to_thread(ask, path, Request("reload"))).ok
        assert path.stat().st_ino == number
        await after.close()
        assert not path.exists()

    asyncio.run(main())


def shown(path: Path, reply: Reply | bytes) -> bytes:
    """What a command gets that asks to be shown this."""

    async def main() -> bytes:
        async def show(requester: Requester, request: Request) -> Reply | bytes:
            assert (request.answer, request.parameters) == ("tunnels", {"page": "2"})
            return reply

        served = Control({"show": show})
        await served.serve_at(path)
        try:
            request = Request("show", answer="tunnels", parameters={"page": "2"})
            return await asyncio.to_thread(ask_for_answer, path, request)
        finally:
            await served.close()

    return asyncio.run(main())


@pytest.mark.parametrize("body", [b"", b"{}\n", b"line\nline\n" * 300_000], ids=["empty", "short", "long"])
def test_an_answer_of_any_length_arrives_whole(tmp_path: Path, body: bytes) -> None:
    assert shown(tmp_path / "control.sock", body) == body


def test_a_refused_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="unknown answer"):
        shown(tmp_path / "control.sock", Reply(False, "unknown answer 'tunnels'"))


def test_an_answer_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "MOST_ANSWER_BYTES", 1000)
    with pytest.raises(ControlError, match="the answer is longer than 1000 bytes"):
        shown(tmp_path / "control.sock", b"x" * 1001)


@pytest.mark.parametrize("line", [b'{"ok":true,"message":"","answer_bytes":100}\nshort', b"nonsense\n", b""])
def test_a_gate_that_breaks_off_is_an_error(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        listener.listen()

        def break_off() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(line)

        with ThreadPoolExecutor(1) as pool:
            breaking = pool.submit(break_off)
            with pytest.raises(ControlError, match="see its log"):
                ask_for_answer(path, Request("show", answer="overview"))
            breaking.result()


def test_a_reply_is_sent_before_the_program_ends(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> Reply:
        begun, end = asyncio.Event(), asyncio.Event()

        async def slow(requester: Requester, request: Request) -> Reply:
            begun.set()
            await end.wait()
            return Reply(True, "at last")

        served = Control({"reload": slow})
        await served.serve_at(path)
        asking = asyncio.ensure_future(asyncio.to_thread(ask, path, Request("reload")))
        await begun.wait()
        await served.close()
        finishing = asyncio.ensure_future(served.finish())
        await asyncio.sleep(0)
        assert not finishing.done()
        end.set()
        await finishing
        return await asking

    assert asyncio.run(main()).message == "at last"


def test_another_user_is_told_who_may_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "control.sock"
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ControlError, match=f"only the gate's user and root may use {path}: run this as one of them"):
        ask(path, Request("reload"))
