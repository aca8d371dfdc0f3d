"""A gate that cannot start as it was told: it ends at once, with one line that says what to change."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import Gate, GateEndedError, lab
from support.namespaces import alone, unprivileged
from support.upstream import Upstream, read_nothing


def status_of(gate: Gate) -> int:
    """The exit code of a gate that never gets ready."""
    with pytest.raises(GateEndedError) as ended, gate:
        pass
    return ended.value.status


def listen(*addresses: str) -> str:
    return "".join(f'[[listen]]\naddress = "{address}"\n' for address in addresses)


def test_a_named_port_that_needs_a_privilege_ends_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, listen("0.0.0.0:8443", "0.0.0.0:443"), prefix=(*alone(), *unprivileged()))

    assert status_of(gate) == 1
    assert "0.0.0.0:443" in gate.stderr[-1]
    for remedy in ("CAP_NET_BIND_SERVICE", "net.ipv4.ip_unprivileged_port_start", "choose a port"):
        assert remedy in gate.stderr[-1]


def test_a_default_port_that_needs_a_privilege_is_left_out(tmp_path: Path) -> None:
    with Gate(tmp_path, "", prefix=(*alone(), *unprivileged())) as gate:
        pass

    assert {port for _, port in gate.listeners} == {3128, 8080}
    assert any(":443" in line and "ip_unprivileged_port_start" in line for line in gate.stderr)


def test_with_the_privilege_every_default_port_is_listened_on(tmp_path: Path) -> None:
    with Gate(tmp_path, "", prefix=alone()) as gate:
        pass

    assert {port for _, port in gate.listeners} == {3128, 8080, 443}


def test_a_port_in_use_ends_the_start(tmp_path: Path) -> None:
    with Upstream(read_nothing) as other:
        gate = Gate(tmp_path, listen(f"127.0.0.1:{other.port}"))

        assert status_of(gate) == 1
    assert f"127.0.0.1:{other.port}" in gate.stderr[-1]
    assert "another program has this port" in gate.stderr[-1]


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder that even its owner may not enter."""
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


def test_an_access_log_that_cannot_be_written_ends_the_start(tmp_path: Path, sealed: Path) -> None:
    settings = lab().replace("access.jsonl", f"{sealed.name}/access.jsonl")
    gate = Gate(tmp_path, settings, prefix=unprivileged())

    assert status_of(gate) == 1
    assert f"{sealed}/access.jsonl" in gate.stderr[-1]
    assert "Permission denied" in gate.stderr[-1]
    assert "log.access" in gate.stderr[-1]


def test_a_settings_file_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, lab(), prefix=unprivileged())
    gate.settings.chmod(0)

    assert status_of(gate) == 2
    assert str(gate.settings) in gate.stderr[-1]
    assert "Permission denied" in gate.stderr[-1]


def test_the_folder_for_state_is_made_for_the_gate_alone(tmp_path: Path) -> None:
    with Gate(tmp_path, lab(more='[state]\ndirectory = "state"\n')):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "state" / "gate.pem").exists()


def test_a_folder_for_state_that_may_not_be_entered_ends_the_start(tmp_path: Path, sealed: Path) -> None:
    gate = Gate(tmp_path, lab(more=f'[state]\ndirectory = "{sealed.name}"\n'), prefix=unprivileged())

    assert status_of(gate) == 1
    assert f"{sealed}: no certificate can be kept there: Permission denied" in gate.stderr[-1]


def test_a_folder_for_state_that_everybody_may_write_to_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o1777)
    with Gate(tmp_path, lab(more='[state]\ndirectory = "state"\n')) as gate:
        pass

    assert [line for line in gate.stderr if f"everybody may write to {tmp_path}/state" in line]


def test_a_folder_for_state_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    gate = Gate(tmp_path, lab(more='[state]\ndirectory = "missing/state"\n'))

    assert status_of(gate) == 1
    assert f"state.directory: {tmp_path}/missing/state cannot be made: No such file" in gate.stderr[-1]


def test_a_standard_stream_that_is_closed_is_no_socket(tmp_path: Path) -> None:
    """Its number is the first that is free: what is written there must not reach what was opened next."""
    closing = "import os, sys; os.close(0); os.close(1); os.execv(sys.argv[1], sys.argv[1:])"
    with Gate(tmp_path, lab().replace("access.jsonl", "-"), prefix=(sys.executable, "-c", closing)) as gate:
        numbers = {number: os.readlink(f"/proc/{gate.pid}/fd/{number}") for number in (0, 1)}

    assert numbers == {0: os.devnull, 1: os.devnull}
