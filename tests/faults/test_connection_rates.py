"""Clients and users that come faster than they may are told so, wait, and are served again; nobody else waits."""

import signal
import socket
import time
from collections.abc import Iterator

import pytest

from support.flood import Flood, knock, leaves_nothing_open, outcomes_so_far, tunnel_from
from support.gate import ANYTHING, Gate, cisco_at
from support.logins import PASSWORD, USER, basic, write_user_files
from support.programs import run
from support.raw_client import CONNECT, Answer, read_answer
from support.requirements import require_command
from support.upstream import Upstream

BURST, WAIT = 3, 4
"""So many at once, and then one in so many seconds."""

PER_CLIENT = f"connections_per_client_per_second = {1 / WAIT}\n"
SETTINGS = f"""{ANYTHING}
[auth]
htpasswd = "users.htpasswd"
htdigest = "users.htdigest"

[limits]
burst = {BURST}
tunnels_per_user_per_second = {1 / WAIT}
{PER_CLIENT}
"""
HONEST, BALANCER = "127.0.0.1", "127.0.0.9"
LISTEN = '[[listen]]\naddress = "127.0.0.1:0"\n'
GET = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"
STAY = 16
"""Connections of one client over its rate that may stay open and ask why."""


def leave_at_once(connection: socket.socket) -> None:
    """A behaviour: close at the first byte, so that no client waits."""
    connection.recv(1)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with both limits and a balancer. Each test has clients and users of its own."""
    folder = tmp_path_factory.mktemp("gate")
    write_user_files(folder, *((user, PASSWORD) for user in (USER, "first", "other", "third")))
    with Upstream(leave_at_once) as upstream:
        settings = cisco_at(upstream.port, more=SETTINGS)
        balanced = settings.replace(LISTEN, f'{LISTEN}proxy_protocol_from = ["{BALANCER}"]\n')
        with Gate(folder, balanced) as running:
            # What stays open from the first tunnel and the first password on is no leak.
            tunnel_from(running, "127.0.0.99").close()
            assert answer_to(running, with_login("first"), "127.0.0.99").status == 200
            yield running


def answer_to(gate: Gate, request: bytes, source: str, before: bytes = b"") -> Answer:
    """The head of the gate's answer to a request from this address."""
    with knock(gate, source) as connection:
        connection.sendall(before + request)
        return read_answer(connection)


def use_up(gate: Gate, source: str) -> None:
    """Connect as often as the burst lets a client."""
    for _ in range(BURST):
        tunnel_from(gate, source).close()


def curl(gate: Gate, source: str, *options: str) -> str:
    """What curl shows of a request through the gate."""
    command = require_command("curl", "curl")
    return run(command, "--interface", source, "--proxy", gate.url, *options, "-v", "https://tools.cisco.com/").stderr


def use_up_user(gate: Gate, user: str) -> None:
    """Ask for as many tunnels as the burst lets a user, from clients of 127.0.1.0/24."""
    for last in range(BURST):
        assert answer_to(gate, with_login(user), f"127.0.1.{last + 1}").status == 200


def with_login(user: str) -> bytes:
    return CONNECT[:-2] + f"Proxy-Authorization: {basic(user)}\r\n\r\n".encode()


def test_one_over_its_rate_is_told_to_wait_and_then_served(gate: Gate) -> None:
    with leaves_nothing_open(gate):
        use_up(gate, "127.0.0.2")
        client = answer_to(gate, CONNECT, "127.0.0.2")
        page = answer_to(gate, GET, "127.0.0.2")
        use_up_user(gate, "third")
        user = answer_to(gate, with_login("third"), "127.0.1.8")
        waits = [int(refused.fields["Retry-After"]) for refused in (client, page, user)]
        time.sleep(max(waits))
        tunnel_from(gate, "127.0.0.2").close()
        assert answer_to(gate, with_login("third"), "127.0.1.8").status == 200

    assert (client.status, client.outcome, page.status) == (429, "client_rate_exceeded", 429)
    assert (user.status, user.outcome) == (429, "user_rate_exceeded")
    assert all(1 <= wait <= WAIT for wait in waits)


def test_curl_and_openssl_show_the_refusal(gate: Gate) -> None:
    use_up(gate, "127.0.0.3")
    by_curl = curl(gate, "127.0.0.3")
    use_up(gate, "127.0.0.4")
    by_openssl = run(
        require_command("openssl", "openssl"), "s_client", "-bind", "127.0.0.4:0",
        "-connect", f"127.0.0.1:{gate.port}", "-servername", "tools.cisco.com",
    )  # fmt: skip

    assert "HTTP/1.1 429 client_rate_exceeded: 127.0.0.3 opens connections faster" in by_curl
    assert "alert internal error" in by_openssl.stderr


def test_behind_a_balancer_the_client_waits_not_the_balancer(gate: Gate) -> None:
    def header(last: int) -> bytes:
        return f"PROXY TCP4 10.0.0.{last} 192.0.2.1 40000 443\r\n".encode()

    for _ in range(BURST):
        tunnel_from(gate, BALANCER, header(1)).close()

    assert answer_to(gate, CONNECT, BALANCER, header(1)).outcome == "client_rate_exceeded"
    for last in range(2, 10):
        tunnel_from(gate, BALANCER, header(last)).close()


def test_a_flood_over_the_rate_keeps_nobody_else_out(gate: Gate) -> None:
    fast, addresses = "127.0.0.5", [f"127.1.0.{last}" for last in range(1, 41)]
    outcomes_so_far(gate)
    gate.forget_records()
    with leaves_nothing_open(gate):
        use_up(gate, fast)
        with Flood(gate) as flood:
            flood.grow(200, fast)
            closed = [connection for connection in flood.connections if _is_over(connection)]
            tunnel_from(gate, HONEST).close()
            for address in addresses:
                flood.grow(BURST + 2, address, _ask_for_a_tunnel)
            tunnel_from(gate, HONEST).close()
    outcomes = outcomes_so_far(gate)

    late = 2  # served again while the flood went on
    assert len(closed) >= 200 - STAY - late
    assert outcomes["client_rate_exceeded"] >= 200 - STAY - late + 2 * len(addresses) - late
    assert not outcomes.keys() - {"client_rate_exceeded", "closed_by_client", "reset_by_client"}


def _is_over(connection: socket.socket) -> bool:
    """Whether the gate has closed the connection by now."""
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def _ask_for_a_tunnel(connection: socket.socket) -> None:
    connection.sendall(CONNECT)


def test_a_user_over_its_rate_waits_and_others_are_served(gate: Gate) -> None:
    use_up_user(gate, USER)
    by_curl = curl(gate, "127.0.1.7", "--proxy-basic", "--proxy-user", f"{USER}:{PASSWORD}")
    other = curl(gate, "127.0.1.7", "--proxy-digest", "--proxy-user", f"other:{PASSWORD}")

    assert "HTTP/1.1 429 user_rate_exceeded: 127.0.1.7 asks for tunnels faster" in by_curl
    assert "HTTP/1.1 200 Connection established" in other


def test_a_reload_takes_another_rate_at_once(gate: Gate) -> None:
    fast = "127.0.0.6"
    use_up(gate, fast)
    written = gate.settings.read_text()

    def reload_with(limits: str) -> None:
        gate.settings.write_text(written.replace(PER_CLIENT, limits))
        gate.send(signal.SIGHUP)
        gate.await_line("reload requested by SIGHUP")

    reload_with(f"{PER_CLIENT}idle_seconds = 50\n")
    assert answer_to(gate, CONNECT, fast).status == 429, "the reload changed no rate"
    for limits in ("connections_per_client_per_second = 1000\n", ""):
        reload_with(limits)
        for _ in range(5 * BURST):
            tunnel_from(gate, fast).close()
    reload_with(PER_CLIENT)
