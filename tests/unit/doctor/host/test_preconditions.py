"""What `licensegate check` finds out about the host: what no gate could use there, and what this user cannot tell."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.app.cli import main
from licensegate.app.commands import service_user
from licensegate.app.settings import load
from licensegate.certs.key_pair import KEPT_CERTIFICATE, KEPT_KEY
from licensegate.certs.pem import CertificateError
from licensegate.doctor.host import preconditions
from licensegate.doctor.host.preconditions import faults, lacking_rights
from support.another_user import open_folder, require_another_user
from support.certificates import issue
from support.gate import COMMAND
from support.programs import run

ELSEWHERE = "192.0.2.1"  # TEST-NET-1, RFC 5737: no host has it
STATE = '[state]\ndirectory = "{}"\n'
LOG = '[log]\naccess = "{}"\n'


def listen(*addresses: str) -> str:
    return "".join(f'[[listen]]\naddress = "{address}"\n' for address in addresses)


def found(folder: Path, text: str) -> list[str]:
    settings = folder / "gate.toml"
    settings.write_text(text)
    return list(faults(load(settings, {})))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(listen(f"{ELSEWHERE}:3128"), f"listen: {ELSEWHERE}:3128", id="listener"),
        pytest.param(listen("[2001:db8::1]:3128"), "listen: [2001:db8::1]:3128", id="IPv6 listener"),
        pytest.param(f'[admin]\nlisten = "{ELSEWHERE}:9130"\n', f"admin.listen: {ELSEWHERE}:9130", id="admin server"),
        pytest.param(f'[dial]\nsource_address = "{ELSEWHERE}"\n', f"dial.source_address: {ELSEWHERE}", id="source"),
    ],
)
def test_an_address_of_another_host_is_a_fault(tmp_path: Path, text: str, place: str) -> None:
    (fault,) = found(tmp_path, text)
    assert fault.startswith(f"{place}: this host has no such address; name one that it has")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(STATE.format("missing/state"), "state.directory: ", id="state below a missing directory"),
        pytest.param(LOG.format("missing/access.jsonl"), "log.access: ", id="log in a missing directory"),
        pytest.param(LOG.format("."), "is a directory; name a file in it", id="log that is a directory"),
    ],
)
def test_an_unusable_directory_is_a_fault(tmp_path: Path, text: str, words: str) -> None:
    (fault,) = found(tmp_path, text)
    assert words in fault
    assert str(tmp_path) in fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(STATE.format("file"), "is not a directory (Not a directory); name one", id="state that is a file"),
        pytest.param(STATE.format("x" * 300), "(File name too long)", id="state with a long name"),
        pytest.param(LOG.format("file/access.jsonl"), "file is not a directory", id="log below a file"),
        pytest.param(LOG.format("socket"), "it is a socket, not a regular file; name a file", id="log to a socket"),
        pytest.param(LOG.format("broken link"), "/elsewhere is not a directory", id="log behind a broken link"),
        pytest.param(LOG.format("x" * 300), "File name too long; name another file", id="log with a long name"),
    ],
)
def test_a_place_of_another_kind_is_a_fault(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken link").symlink_to(tmp_path / "elsewhere" / "access.jsonl")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        (fault,) = found(tmp_path, text)
    assert words in fault


@pytest.mark.parametrize("access", ["/dev/null", "/dev/stdout", "pipe"])
def test_a_log_need_not_be_a_regular_file(tmp_path: Path, access: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path, LOG.format(access)) == []
    assert list(lacking_rights(load(tmp_path / "gate.toml", {}))) == []


def test_the_reader_of_a_pipe_is_needed_at_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path, LOG.format("pipe")) == []
    (needed,) = preconditions.needed_at_start(load(tmp_path / "gate.toml", {}))
    assert needed == f"log.access: the pipe {tmp_path}/pipe needs a reader before the gate starts"


@pytest.fixture
def looking_as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    require_another_user(monkeypatch)


@pytest.mark.usefixtures("looking_as_another_user")
def test_a_directory_that_this_user_cannot_see_is_no_traceback(sealed: Path) -> None:
    sealed.write_text(STATE.format(sealed.parent / "state" / "below") + LOG.format(sealed.parent / "state" / "x.log"))
    done = run(str(COMMAND), "check", "--user", "nobody", str(sealed))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"state.directory: {sealed.parent}/state/below cannot be written to by the user nobody" in done.stderr


def test_a_kept_key_without_its_certificate_ends_the_check(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / KEPT_KEY).write_bytes(issue().key_pem())
    with pytest.raises(CertificateError, match=rf"{KEPT_CERTIFICATE}: No such file"):
        found(tmp_path, STATE.format(state))


def test_a_packaged_state_directory_may_be_unusable(tmp_path: Path) -> None:
    settings = load(None, {"STATE_DIRECTORY": str(tmp_path / "missing" / "state")})
    assert list(faults(settings)) == []
    assert list(lacking_rights(settings)) == []


def test_a_port_of_another_program_is_no_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert found(tmp_path, listen(f"127.0.0.1:{taken.getsockname()[1]}")) == []


def test_a_port_that_needs_a_privilege_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(preconditions, "try_to_bind", refuse)
    assert found(tmp_path, listen("127.0.0.1:443")) == []
    assert status_of(str(tmp_path / "gate.toml")) == 0
    assert "not looked at: listen: 127.0.0.1:443 can be bound only with CAP_NET_BIND_SERVICE" in capsys.readouterr().err


def test_the_log_may_be_in_the_state_directory_that_the_gate_makes(tmp_path: Path) -> None:
    assert found(tmp_path, STATE.format("state") + LOG.format("state/access.jsonl")) == []
    assert list(lacking_rights(load(tmp_path / "gate.toml", {}))) == []


def test_what_serve_can_use_is_no_fault(tmp_path: Path) -> None:
    text = listen("127.0.0.1:3128", "0.0.0.0:8080", "[::]:8080") + STATE.format("state") + LOG.format("access.jsonl")
    assert found(tmp_path, text + '[dial]\nsource_address = "127.0.0.1"\n') == []


def test_a_key_of_another_certificate_ends_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issue().write(tmp_path)
    (tmp_path / "gate.key").write_bytes(issue().key_pem())
    with pytest.raises(CertificateError, match="does not belong"):
        found(tmp_path, '[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n')
    assert status_of("--config", str(tmp_path / "gate.toml")) == 2
    assert "does not belong" in capsys.readouterr().err


def test_every_fault_is_printed_and_the_status_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(listen(f"{ELSEWHERE}:3128") + LOG.format("missing/access.jsonl"))
    assert status_of(str(file)) == 2
    told = capsys.readouterr().err
    assert "listen: " in told
    assert "log.access: " in told


def status_of(*arguments: str) -> int:
    return main(["check", *arguments])


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A settings file that everybody can read; it names a token and a directory for root only."""
    with open_folder() as folder:
        yield seal(folder)


def seal(folder: Path) -> Path:
    """Write the files of `sealed`."""
    token, state = folder / "admin.token", folder / "state"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    state.mkdir(mode=0o700)
    file = folder / "gate.toml"
    file.write_text(f"[admin]\ntoken_file = {json.dumps(str(token))}\n" + STATE.format(state))
    return file


def test_what_this_user_may_not_read_is_not_looked_at(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    settings = load(sealed, {})
    assert list(lacking_rights(settings)) == [
        f"admin.token_file: {sealed.parent}/admin.token cannot be read",
        f"state.directory: {sealed.parent}/state cannot be written to",
    ]


def test_without_user_lacking_rights_are_said_to_be_not_looked_at(
    sealed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preconditions, "lacking_rights", lambda _: ["/x cannot be read"])
    assert status_of(str(sealed)) == 0
    assert "not looked at: /x cannot be read by this user" in capsys.readouterr().err


@pytest.mark.usefixtures("looking_as_another_user")
def test_as_the_gates_user_lacking_rights_are_faults(sealed: Path) -> None:
    done = run(str(COMMAND), "check", "--user", "nobody", str(sealed))
    assert done.returncode == 2
    assert f"admin.token_file: {sealed.parent}/admin.token cannot be read by the user nobody" in done.stderr
    assert f"state.directory: {sealed.parent}/state cannot be written to by the user nobody" in done.stderr


def test_an_unknown_user_is_named(sealed: Path) -> None:
    done = run(sys.executable, "-m", "licensegate.app", "check", "--user", "no-such-user", str(sealed))
    assert done.returncode == 2
    assert "there is no user 'no-such-user' on this host" in done.stderr


@pytest.mark.usefixtures("looking_as_another_user")
def test_a_user_may_look_as_itself(sealed: Path) -> None:
    text = "from licensegate.app.commands.service_user import become; become('nobody'); become('nobody')"
    assert run(sys.executable, "-c", text).returncode == 0


def test_an_empty_user_is_no_user(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        status_of("--user", "", str(sealed))
    assert "there is no user '' on this host" in capsys.readouterr().err


def test_a_user_who_may_not_read_the_program_ends_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    for name in ("setgroups", "setgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        service_user.become("nobody")
    assert ended.value.code == 2
    assert "nobody may not read the program" in capsys.readouterr().err
