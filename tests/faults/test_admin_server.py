"""The admin server under slow readers, too many readers, black-holed targets, and without free descriptors."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin_client import ANY_PORT, admin_port, get_page, get_page_until
from support.gate import ANYTHING, Gate, cisco_at
from support.programs import run
from support.raw_client import break_off, open_tunnel
from support.requirements import require_command
from support.sockets import BlackHole, spin_until
from support.upstream import SECONDS

MIB = 1 << 20
READERS = 300
TUNNELS = 300
PLACES = 64 + 16
"""The connections that there may be at a time, and those accepted at once."""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose backlog completes connections, so that they cost the test no thread."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * TUNNELS) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def gate(tmp_path: Path, silent_port: int) -> Iterator[Gate]:
    """A gate with an admin server, whose tunnels may stay silent."""
    with Gate(tmp_path, cisco_at(silent_port, more=ANYTHING, admin=ANY_PORT)) as running:
        get_page(running, "/metrics")
        yield running


def descriptors(gate: Gate) -> int:
    return len(os.listdir(f"/proc/{gate.pid}/fd"))


def await_descriptors(gate: Gate, at_most: int) -> None:
    """Wait until the gate has no more descriptors open than these."""
    spin_until(lambda: descriptors(gate) <= at_most, lambda: time.sleep(0.02))


@contextlib.contextmanager
def slow_readers(gate: Gate, path: str, number: int = READERS) -> Iterator[None]:
    """Readers that ask for a page, several times each, and read nothing. Those that are turned away come again."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.settimeout(SECONDS)
            reader.connect(("127.0.0.1", admin_port(gate)))
            with contextlib.suppress(ConnectionError):
                reader.sendall(request * 20)
        yield


@pytest.mark.parametrize("path", ["/metrics", "/api/tunnels", "/", "/healthz"])
def test_slow_readers_hold_few_descriptors_and_little_memory(gate: Gate, path: str) -> None:
    tunnels = [open_tunnel(gate) for _ in range(TUNNELS)]
    before, memory = descriptors(gate), gate.resident_bytes()

    with slow_readers(gate, path):
        assert get_page(gate, "/healthz").status == 200
        assert descriptors(gate) <= before + PLACES
        assert gate.resident_bytes() < memory + 24 * MIB
        assert get_page(gate, "/api/tunnels").json["open"] == TUNNELS
        break_off(open_tunnel(gate))

    await_descriptors(gate, before)
    for tunnel in tunnels:
        break_off(tunnel)
    gate.records(TUNNELS + 1)


def test_readers_that_read_nothing_are_cut_off_while_they_stay(gate: Gate) -> None:
    """Each asks for more than fits into the kernel's buffers."""
    tunnels = [open_tunnel(gate) for _ in range(TUNNELS)]
    before = descriptors(gate)

    with slow_readers(gate, "/api/tunnels", 20):
        assert get_page(gate, "/healthz").status == 200  # by then the gate has accepted them
        await_descriptors(gate, before)
        assert get_page(gate, "/api/tunnels").json["open"] == TUNNELS

    for tunnel in tunnels:
        break_off(tunnel)


@contextlib.contextmanager
def no_descriptor_left(gate: Gate) -> Iterator[None]:
    """Lower the gate's limit to what it has open now."""
    prlimit = require_command("prlimit", "util-linux")
    highest = max(int(number) for number in os.listdir(f"/proc/{gate.pid}/fd"))
    run(prlimit, f"--pid={gate.pid}", f"--nofile={highest + 1}:")
    crowd = []
    while not any("cannot accept" in line for line in gate.stderr):
        crowd.append(socket.create_connection(("127.0.0.1", gate.port), timeout=SECONDS))
        time.sleep(0.01)
    yield
    run(prlimit, f"--pid={gate.pid}", "--nofile=1024:")
    for client in crowd:
        client.close()


def test_health_is_answered_when_no_descriptor_is_left(gate: Gate) -> None:
    before = descriptors(gate)

    with no_descriptor_left(gate):
        for _ in range(30):
            assert get_page(gate, "/healthz").status == 200
            assert get_page(gate, "/readyz").status == 503
        with slow_readers(gate, "/healthz", 20):
            assert get_page(gate, "/healthz").status == 200
        assert get_page(gate, "/readyz").json["status"] == "not_accepting"
        assert "licensegate_connections_open" in get_page(gate, "/metrics").body

    get_page_until(gate, "/readyz", lambda page: page.status == 200)
    break_off(open_tunnel(gate))
    await_descriptors(gate, before)


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    """A target that answers nothing."""
    with contextlib.closing(BlackHole("127.0.0.1")) as target:
        yield target


def test_health_is_answered_while_a_black_holed_target_is_probed(tmp_path: Path, black_hole: BlackHole) -> None:
    preset = '[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "tools.cisco.com"\n'
    with Gate(tmp_path, cisco_at(black_hole.port, more=preset, admin=ANY_PORT)) as gate:
        before = descriptors(gate)
        with slow_readers(gate, "/upstreamz"):
            for _ in range(20):
                assert get_page(gate, "/healthz").status == 200
                assert get_page(gate, "/readyz").status == 200
            assert get_page(gate, "/upstreamz").json["status"] in {"unknown", "not_reached"}
        assert get_page(gate, "/upstreamz").json["targets"][0]["reached"] is not True
        await_descriptors(gate, before + 1)
