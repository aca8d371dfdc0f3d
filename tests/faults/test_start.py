"""A gate that cannot start as configured ends at once, with a line that says what to change."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import Gate, GateEndedError, gate_settings
from support.namespaces import own_network, unprivileged
from support.upstream import Upstream, read_nothing


def status_of(gate: Gate) -> int:
    """The exit code of a gate that fails to start."""
    with pytest.raises(GateEndedError) as ended, gate:
        pass
    return ended.value.status


def listen(*addresses: str) -> str:
    return "".join(f'[[listen]]\naddress = "{address}"\n' for address in addresses)


def test_a_configured_port_that_needs_a_privilege_fails_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, listen("0.0.0.0:8443", "0.0.0.0:443"), prefix=(*own_network(), *unprivileged()))

    assert status_of(gate) == 2
    assert "0.0.0.0:443" in gate.stderr[-1]
    for remedy in ("CAP_NET_BIND_SERVICE", "net.ipv4.ip_unprivileged_port_start", "choose a port"):
        assert remedy in gate.stderr[-1]


def test_a_default_port_that_needs_a_privilege_is_skipped(tmp_path: Path) -> None:
    with Gate(tmp_path, "", prefix=(*own_network(), *unprivileged())) as gate:
        pass

    assert {port for _, port in gate.listeners} == {3128, 8080}
    assert any(":443" in line and "ip_unprivileged_port_start" in line for line in gate.stderr)


def test_with_the_privilege_the_gate_listens_on_every_default_port(tmp_path: Path) -> None:
    with Gate(tmp_path, "", prefix=own_network()) as gate:
        pass

    assert {port for _, port in gate.listeners} == {3128, 8080, 443}


def test_a_port_in_use_fails_the_start(tmp_path: Path) -> None:
    with Upstream(read_nothing) as other:
        gate = Gate(tmp_path, listen(f"127.0.0.1:{other.port}"))

        assert status_of(gate) == 1
    assert f"127.0.0.1:{other.port}" in gate.stderr[-1]
    assert "another program has this port" in gate.stderr[-1]


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder with no permissions."""
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


def test_an_access_log_that_cannot_be_written_fails_the_start(tmp_path: Path, sealed: Path) -> None:
    settings = gate_settings().replace("access.jsonl", f"{sealed.name}/access.jsonl")
    gate = Gate(tmp_path, settings, prefix=unprivileged())

    assert status_of(gate) == 2
    assert f"{sealed}/access.jsonl" in gate.stderr[-1]
    assert "Permission denied" in gate.stderr[-1]
    assert "log.access" in gate.stderr[-1]


def test_a_settings_file_that_cannot_be_read_fails_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, gate_settings(), prefix=unprivileged())
    gate.settings.chmod(0)

    assert status_of(gate) == 2
    assert str(gate.settings) in gate.stderr[-1]
    assert "Permission denied" in gate.stderr[-1]


def test_the_state_folder_is_made_with_mode_700(tmp_path: Path) -> None:
    with Gate(tmp_path, gate_settings(more='[state]\ndirectory = "state"\n')):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "state" / "gate.pem").exists()


def test_a_state_folder_without_permission_fails_the_start(tmp_path: Path, sealed: Path) -> None:
    gate = Gate(tmp_path, gate_settings(more=f'[state]\ndirectory = "{sealed.name}"\n'), prefix=unprivileged())

    assert status_of(gate) == 2
    assert f"{sealed}: cannot write a certificate there: Permission denied" in gate.stderr[-1]


def test_a_world_writable_state_folder_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o1777)
    with Gate(tmp_path, gate_settings(more='[state]\ndirectory = "state"\n')) as gate:
        pass

    assert [line for line in gate.stderr if f"every user of this machine may write to {tmp_path}/state" in line]


def test_a_state_folder_that_cannot_be_made_fails_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, gate_settings(more='[state]\ndirectory = "missing/state"\n'))

    assert status_of(gate) == 2
    assert f"state.directory: {tmp_path}/missing/state cannot be made: No such file" in gate.stderr[-1]


def test_a_closed_standard_stream_is_replaced_by_dev_null(tmp_path: Path) -> None:
    """Otherwise a socket could get its descriptor, and output would be written to it."""
    closing = "import os, sys; os.close(0); os.close(1); os.execv(sys.argv[1], sys.argv[1:])"
    with Gate(tmp_path, gate_settings().replace("access.jsonl", "-"), prefix=(sys.executable, "-c", closing)) as gate:
        numbers = {number: os.readlink(f"/proc/{gate.pid}/fd/{number}") for number in (0, 1)}

    assert numbers == {0: os.devnull, 1: os.devnull}


@pytest.mark.parametrize("variable", ["LICENSEGATE__ALLOWLIST__RULE", "LICENSEGATE__LOG__ACCESS"])
def test_a_variable_that_is_not_utf_8_fails_the_start(tmp_path: Path, variable: str) -> None:
    gate = Gate(tmp_path, gate_settings(), environment={variable: "caf\udce9"})

    assert status_of(gate) == 2
    assert gate.stderr == [f"licensegate: {variable}: its value is not text in UTF-8; set it again, in UTF-8"]


def test_garbage_is_collected_again_once_the_gate_is_ready(tmp_path: Path) -> None:
    program = (
        "import gc, sys\n"
        "from licensegate.app.cli import main\n"
        "status = main(sys.argv[2:])\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000)\n"
        "sys.exit(status)"
    )
    with Gate(tmp_path, gate_settings(), prefix=(sys.executable, "-c", program)) as gate:
        pass

    assert gate.stdout.read_text() == "True True\n"
