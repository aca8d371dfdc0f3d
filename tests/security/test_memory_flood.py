"""Large first messages that never end: the gate stays within its memory, serves others, and gives the memory back."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client_hellos import extension, hello_message, in_records, server_name_extension
from support.flood import Flood, Say, allow_descriptors, knock, leaves_nothing_open, outcomes_so_far, tunnel_from
from support.gate import Gate, cisco_at
from support.raw_client import CONNECT, read_answer, secured
from support.requirements import require_command
from support.sockets import is_closed, spin_until
from support.tls_memory import MemoryTlsClient, client_context
from support.upstream import SECONDS

MIB = 1 << 20
MEMORY = 128 * MIB
HELLO = in_records(hello_message(server_name_extension(b"tools.cisco.com")))
PART_OF_A_HELLO = in_records(hello_message(server_name_extension(b"tools.cisco.com"), extension(0xFFCE, bytes(65_000))))
PART_OF_A_HELLO = PART_OF_A_HELLO[: 63 * 1024]
PART_OF_A_HEAD = CONNECT[:-2] + b"X-Long: " + b"x" * 15_000
LONG = "[limits]\nhead_seconds = 600\nhello_seconds = 600\n"
HONEST, ATTACKERS = "127.0.0.1", [f"127.1.0.{number}" for number in range(1, 41)]


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    """A listening socket, whose backlog completes connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.settimeout(SECONDS)
        yield listener


def peak_of(gate: Gate) -> int:
    """The most resident memory that the gate ever had, in bytes."""
    status = Path(f"/proc/{gate.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def part_of_a_hello(connection: socket.socket) -> None:
    connection.sendall(PART_OF_A_HELLO)


def part_of_a_head(connection: socket.socket) -> None:
    connection.sendall(PART_OF_A_HEAD)


def part_of_a_hello_in_a_tunnel(connection: socket.socket) -> None:
    connection.sendall(CONNECT)
    if read_answer(connection).status == 200:
        connection.sendall(PART_OF_A_HELLO)


def part_of_a_handshake(connection: socket.socket) -> None:
    tls = MemoryTlsClient(client_context(None), "127.0.0.1")
    tls.handshake()
    connection.sendall(tls.take_ciphertext())


def part_of_a_head_in_tls(connection: socket.socket) -> socket.socket:
    wrapped = secured(connection)
    wrapped.sendall(PART_OF_A_HEAD)
    return wrapped


BUDGET = 8 * MIB
FLOODS = [
    pytest.param(part_of_a_hello, 200, id="hello"),
    pytest.param(part_of_a_head, 700, id="head"),
    pytest.param(part_of_a_hello_in_a_tunnel, 200, id="hello in a tunnel"),
    pytest.param(part_of_a_handshake, 250, id="handshake"),
    pytest.param(part_of_a_head_in_tls, 250, id="head in TLS"),
]
"""What to say on how many connections, so that all of them would take more than BUDGET."""


@pytest.mark.parametrize(("say", "count"), FLOODS)
@pytest.mark.parametrize("sources", [ATTACKERS[:1], ATTACKERS], ids=["one address", "many addresses"])
def test_a_flood_takes_a_bounded_part_of_the_memory_and_gives_it_back(
    tmp_path: Path, upstream: socket.socket, sources: list[str], say: Say, count: int
) -> None:
    settings = cisco_at(upstream.getsockname()[1], more=f"{LONG}waiting_bytes = {BUDGET}\n")
    with Gate(tmp_path, settings) as gate:
        tunnel_from(gate, HONEST).close()
        with leaves_nothing_open(gate), Flood(gate) as flood:
            before = gate.resident_bytes()
            for number in range(count):
                with contextlib.suppress(OSError, AssertionError):  # closed while it speaks
                    flood.grow(1, sources[number % len(sources)], say)
            tunnel_from(gate, HONEST).close()
            assert peak_of(gate) < before + 3 * BUDGET
        spin_until(lambda: gate.resident_bytes() < before + BUDGET // 2)
        tunnel_from(gate, HONEST).close()
        outcomes = outcomes_so_far(gate)

    assert outcomes["waiting_bytes_exhausted"] + outcomes["client_crowded_out"] > 50


def test_5000_tunnels_and_4000_large_hellos_take_128_mib_at_most(tmp_path: Path, upstream: socket.socket) -> None:
    tunnels, hellos = 5000, 4000
    allow_descriptors(3 * tunnels + hellos)
    settings = cisco_at(
        upstream.getsockname()[1], more=f"{LONG}tunnels = {2 * tunnels}\ntunnels_per_client = {tunnels + 1}\n"
    )
    limited = (require_command("prlimit", "util-linux"), f"--data={MEMORY}")
    with Gate(tmp_path, settings, prefix=limited) as gate, contextlib.ExitStack() as stack:
        opened = []
        for _ in range(tunnels):
            opened.append(stack.enter_context(tunnel_from(gate, HONEST)))
            stack.enter_context(upstream.accept()[0])
            opened[-1].sendall(HELLO)
        flood = stack.enter_context(Flood(gate))
        for number in range(hellos):
            flood.grow(1, ATTACKERS[number % len(ATTACKERS)], part_of_a_hello)
            if number % 100 == 0:
                with knock(gate, HONEST) as honest:
                    honest.sendall(CONNECT)
                    assert read_answer(honest).status == 200
        peak = peak_of(gate)
        for tunnel in opened:
            tunnel.setblocking(False)
        assert not any(map(is_closed, opened))

    assert peak < MEMORY
