"""No fault of the ledger's file or database stops a tunnel, and what was written stays."""

import contextlib
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from licensegate.ledger.entries import DayEntry
from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.ledger.store import Store
from support.certificates import issue
from support.gate import COMMAND, Gate, cisco_at
from support.namespaces import small_disk, unprivileged
from support.programs import run
from support.raw_client import ask, open_tunnel
from support.requirements import require_command
from support.sockets import spin_until
from support.standin import StandIn

DENIED = b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"
STATE = '[state]\ndirectory = "state"\n'
WITH_CERTIFICATE = STATE + '[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n'


def connections(file: Path) -> int:
    """The connections that are in a ledger; 0 without one."""
    if not file.exists():
        return 0
    store = Store(LedgerPlace(file), wait_seconds=20)
    store.open()
    try:
        return sum(entry.connections for entry in store.entries() if isinstance(entry, DayEntry))
    finally:
        store.close()


def exported_connections(gate: Gate, prefix: Sequence[str]) -> int:
    """The connections that an export has, made where the gate sees its disk."""
    namespaces = ("-m", "-U") if "--map-root-user" in prefix else ("-m",)
    enter = (require_command("nsenter", "util-linux"), "-t", str(gate.pid), *namespaces)
    done = run(*enter, COMMAND, "ledger", "--config", gate.settings, "export")
    return sum(json.loads(line).get("connections", 0) for line in done.stdout.splitlines())


def assert_refused(gate: Gate, times: int) -> None:
    for _ in range(times):
        assert ask(gate, DENIED).status == 403


def fill(file: Path) -> None:
    """Write to a file until its disk is full."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(1024)):
            pass
    assert os.statvfs(file).f_bavail == 0


def test_a_gate_that_is_killed_again_and_again_loses_nothing_written(tmp_path: Path, standin: StandIn) -> None:
    file = tmp_path / "state" / FILE_NAME
    at_least = asked = 0
    for _ in range(6):
        with Gate(tmp_path, cisco_at(standin.port, more=STATE)) as gate:
            assert_refused(gate, 20)
            at_least, asked = at_least + 20, asked + 35
            wanted = at_least
            spin_until(lambda: connections(file) >= wanted)  # noqa: B023  called here
            assert_refused(gate, 15)
            gate.send(signal.SIGKILL)
            with pytest.raises(AssertionError, match="ended with -9"):
                gate.await_end()
        at_least = connections(file)
        assert wanted <= at_least <= asked
    assert not list(file.parent.glob("*.corrupt-*"))


def test_a_full_disk_stops_no_tunnel_and_loses_nothing(tmp_path: Path, standin: StandIn) -> None:
    issue().write(tmp_path)
    (tmp_path / "state").mkdir()
    prefix = small_disk(tmp_path / "state", 1000)
    with Gate(tmp_path, cisco_at(standin.port, more=WITH_CERTIFICATE), prefix=prefix) as gate:
        disk = Path(f"/proc/{gate.pid}/root{tmp_path}/state")
        assert_refused(gate, 1)
        spin_until(lambda: exported_connections(gate, prefix) == 1)
        fill(disk / "filler")
        assert_refused(gate, 50)
        gate.await_line("cannot be used: database or disk is full; contacts wait in memory")
        open_tunnel(gate).close()

        (disk / "filler").unlink()

        gate.await_line("can be used again")
        spin_until(lambda: exported_connections(gate, prefix) == 52)


def test_a_state_directory_that_is_read_only_stops_no_tunnel(tmp_path: Path, standin: StandIn) -> None:
    issue().write(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    with Gate(tmp_path, cisco_at(standin.port, more=WITH_CERTIFICATE), prefix=unprivileged()) as gate:
        gate.await_line("cannot be used: it cannot be made: Permission denied; contacts wait in memory")
        open_tunnel(gate).close()
        assert_refused(gate, 1)

        state.chmod(0o700)

        gate.await_line("can be used again")
        spin_until(lambda: connections(state / FILE_NAME) == 2)


def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, standin: StandIn) -> None:
    file = tmp_path / "state" / FILE_NAME
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    with Gate(tmp_path, cisco_at(standin.port, more=STATE)) as gate:
        line = gate.await_line("is damaged (file is not a database): it is now called ledger.sqlite3.corrupt-")
        assert_refused(gate, 3)
        spin_until(lambda: connections(file) == 3)

    (aside,) = file.parent.glob("*.corrupt-*")
    assert aside.name in line
    assert aside.read_bytes() == b"no database" * 1000


def test_a_gate_without_a_place_says_that_no_ledger_is_kept(tmp_path: Path, standin: StandIn) -> None:
    with Gate(tmp_path, cisco_at(standin.port)) as gate:
        assert any("contacts are not kept: set state.directory or ledger.url" in line for line in gate.stderr)
        loaded = Path(f"/proc/{gate.pid}/maps").read_text()

    assert "sqlalchemy" not in loaded
    assert not list(tmp_path.rglob(FILE_NAME))
    assert os.path.exists(tmp_path / "access.jsonl")
