"""The service manager passes the listening sockets and holds them too: sd_listen_fds(3)."""

import contextlib
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from support.admin_client import get_page
from support.gate import ANYTHING, Gate, cisco_at
from support.handed_over import STATE, HandedOver, open_things
from support.raw_client import CONNECT, assert_carries, dial, open_tunnel, read_answer
from support.sockets import spin_until
from support.upstream import SECONDS, Upstream, closed_port, echo

# Gives the descriptors in its first argument the numbers that a service gets, and becomes the command in the others.
_AS_SYSTEMD = """
import fcntl, os, sys
passed = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100) for number in sys.argv[1].split(",")]
for place, number in enumerate(passed):
    os.dup2(number, 3 + place)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(passed)), "LISTEN_FDNAMES": sys.argv[2]}
os.execv(sys.argv[3], sys.argv[3:])
"""


def activated(folder: Path, settings: str, passed: Mapping[str, socket.socket]) -> HandedOver:
    """A gate that gets these sockets, by their names."""
    numbers = [sock.fileno() for sock in passed.values()]
    arguments = (",".join(map(str, numbers)), ":".join(passed))
    return HandedOver(folder, settings, prefix=(sys.executable, "-c", _AS_SYSTEMD, *arguments), descriptors=numbers)


def listening(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port or closed_port()))


def address_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()
    return f"{host}:{port}"


def settings(upstream: Upstream, listen: socket.socket, more: str = "", admin: str = "") -> str:
    text = cisco_at(upstream.port, more=STATE + ANYTHING + more, admin=admin)
    return text.replace("127.0.0.1:0", address_of(listen))


def warnings_of(gate: Gate) -> list[str]:
    return [line for line in gate.stderr if "the service manager's socket" in line]


def test_a_stop_and_a_start_refuse_nobody(tmp_path: Path) -> None:
    with Upstream(echo) as upstream, listening() as clients, listening() as admin:
        in_force = settings(upstream, clients, admin=address_of(admin))
        passed = {"licensegate.socket": clients, "admin": admin}
        with activated(tmp_path, in_force, passed) as gate:
            with open_tunnel(gate) as tunnel, dial(gate) as accepted:
                assert get_page(gate, "/readyz").status == 200
                gate.send(signal.SIGTERM)
                gate.await_line("stopping")
                waiting = dial(gate)
                waiting.sendall(CONNECT)
                accepted.sendall(CONNECT)
                assert read_answer(accepted).status == 200
                assert_carries(tunnel, accepted)
            gate.await_end()
        assert warnings_of(gate) == []
        with activated(tmp_path, in_force, passed), waiting:
            assert read_answer(waiting).status == 200
            assert_carries(waiting)


def test_a_socket_that_is_not_used_is_named_in_one_line(tmp_path: Path) -> None:
    """It is used as soon as the settings name it, by this process or by one that took over."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Upstream(echo))
        clients, others = stack.enter_context(listening()), stack.enter_context(listening())
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        unbound = stack.enter_context(socket.socket())
        both = stack.enter_context(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True))
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(tmp_path / "local"))
        passed = {"a": clients, "b": others, "c": datagrams, "d": unbound, "e": both, "f": local}
        gate = stack.enter_context(activated(tmp_path, settings(upstream, clients), passed))
        assert [line.partition("the service manager's socket ")[2].partition(")")[0] for line in warnings_of(gate)] == [
            "0.0.0.0:0 (c",
            "0.0.0.0:0 (d",
            f"[::]:{both.getsockname()[1]} (e",
            f"{tmp_path}/local (f",
            f"{address_of(others)} (b",
        ]
        assert "in no listen or admin.listen" in warnings_of(gate)[-1]

        base = gate.settled()
        waiting = socket.create_connection(others.getsockname(), SECONDS)
        gate.settings.write_text(settings(upstream, clients, f'[[listen]]\naddress = "{address_of(others)}"\n'))
        assert gate.ask("reload").ok
        waiting.sendall(CONNECT)
        assert read_answer(waiting).status == 200
        gate.settings.write_text(settings(upstream, clients))
        assert gate.ask("reload").ok
        waiting.close()
        spin_until(lambda: open_things(gate.pid) <= base)

        waiting = socket.create_connection(others.getsockname(), SECONDS)
        gate.settings.write_text(settings(upstream, others))
        assert gate.hand_over().ok
        gate.await_line("has ended")
        waiting.sendall(CONNECT)
        assert read_answer(waiting).status == 200
        waiting.close()
        assert f"{address_of(clients)} (a)" in warnings_of(gate)[-1]
