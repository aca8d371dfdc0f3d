"""Addresses that move between the listeners and the admin server at a reload: none is lost, and the reply is true."""

import signal
import socket
import struct
from pathlib import Path

import pytest

from support.admin_client import get_page
from support.gate import ANYTHING, Gate
from support.licensing_exchange import TARGET
from support.namespaces import own_network
from support.raw_client import ask, assert_carries, open_tunnel
from support.upstream import Upstream, closed_port, echo, read_nothing

REFUSED = b"CONNECT other.test:443 HTTP/1.1\r\n\r\n"
LISTENING = "0A"  # TCP_LISTEN


def settings(upstream: Upstream, listen: str, admin: str) -> str:
    dial = f'[dial]\nconnect_to = ["{TARGET}:127.0.0.1:{upstream.port}"]\n'
    log = '[log]\naccess = "access.jsonl"\n'
    return f'[[listen]]\naddress = "{listen}"\n[admin]\nlisten = "{admin}"\n{dial}{log}{ANYTHING}'


def reload(gate: Gate, text: str) -> str:
    """Reload with these settings and return what the log says of it. Later connections go to the new listener."""
    gate.settings.write_text(text)
    gate.send(signal.SIGHUP)
    said = gate.await_line("reload requested by SIGHUP")
    if "refused" not in said:
        host, _, port = said.partition("listening on ")[2].partition(";")[0].partition(",")[0].rpartition(":")
        gate.listeners = [(host, int(port))]
    return said


def listening(gate: Gate) -> set[str]:
    """The IPv4 addresses that the gate's network listens on (proc(5), /proc/net/tcp)."""
    found = set()
    for line in Path(f"/proc/{gate.pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == LISTENING:
            host, _, port = local.partition(":")
            found.add(f"{socket.inet_ntoa(struct.pack('=I', int(host, 16)))}:{int(port, 16)}")
    return found


def test_a_listener_and_the_admin_server_exchange_addresses(tmp_path: Path) -> None:
    one, other = (f"127.0.0.1:{closed_port()}" for _ in range(2))
    with (
        Upstream(echo) as upstream,
        Gate(tmp_path, settings(upstream, one, other)) as gate,
        open_tunnel(gate) as before,
    ):
        for listen, admin in ((other, one), (one, other)):
            said = reload(gate, settings(upstream, listen, admin))
            assert f"listening on {listen}; admin on {admin}" in said
            assert_carries(before)
            with open_tunnel(gate) as after:
                assert_carries(after)
            assert get_page(gate, "/healthz").status == 200
            assert f"127.0.0.1:{gate.port}" == listen


def test_a_listener_is_widened_and_narrowed_without_a_restart(tmp_path: Path) -> None:
    port, admin = closed_port(), f"127.0.0.1:{closed_port()}"
    with (
        Upstream(echo) as upstream,
        Gate(tmp_path, settings(upstream, f"127.0.0.1:{port}", admin)) as gate,
        open_tunnel(gate) as before,
    ):
        for host in ("0.0.0.0", "127.0.0.1"):
            assert f"listening on {host}:{port}; " in reload(gate, settings(upstream, f"{host}:{port}", admin))
            assert {address for address in listening(gate) if address.endswith(f":{port}")} == {f"{host}:{port}"}
            with open_tunnel(gate) as after:
                assert_carries(after)
        assert_carries(before)


def test_a_port_that_was_taken_over_is_not_shared_with_others(tmp_path: Path) -> None:
    port, admin = closed_port(), f"127.0.0.1:{closed_port()}"
    with Upstream(echo) as upstream, Gate(tmp_path, settings(upstream, f"127.0.0.1:{port}", admin)) as gate:
        reload(gate, settings(upstream, f"0.0.0.0:{port}", admin))
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(OSError, match="Address already in use"):
                socket.create_server((host, port))


def test_if_one_address_is_taken_all_stay_where_they_were(tmp_path: Path) -> None:
    one, other = (f"127.0.0.1:{closed_port()}" for _ in range(2))
    with Upstream(echo) as upstream, Upstream(read_nothing) as stranger:
        taken = f'[[listen]]\naddress = "127.0.0.1:{stranger.port}"\n'
        with Gate(tmp_path, settings(upstream, one, other)) as gate, open_tunnel(gate) as before:
            said = reload(gate, taken + settings(upstream, other, one))
            assert f"refused: the settings in force stay: cannot listen on 127.0.0.1:{stranger.port}" in said
            assert_carries(before)
            assert ask(gate, REFUSED).status == 403
            assert get_page(gate, "/healthz").status == 200


def test_addresses_removed_from_the_file_give_way_to_the_defaults(tmp_path: Path) -> None:
    """The default 0.0.0.0:3128 overlaps the listener that goes; it was left out, and the port was lost."""
    limits = "[limits]\ntunnels = 100\n"
    first = f'[[listen]]\naddress = "127.0.0.1:3128"\n[admin]\nlisten = "127.0.0.1:9999"\n{limits}'
    with Gate(tmp_path, first, prefix=own_network()) as gate:
        said = reload(gate, limits)
        assert listening(gate) == {"0.0.0.0:3128", "0.0.0.0:8080", "0.0.0.0:443", "127.0.0.1:9130"}
    assert "listening on 0.0.0.0:3128, [::]:3128, 0.0.0.0:8080" in said
    assert "admin on 127.0.0.1:9130" in said


def test_the_default_ports_may_become_the_admin_servers(tmp_path: Path) -> None:
    limits = "[limits]\ntunnels = 100\n"
    with Gate(tmp_path, limits, prefix=own_network()) as gate:
        reload(gate, f'[[listen]]\naddress = "127.0.0.1:9130"\n[admin]\nlisten = "127.0.0.1:3128"\n{limits}')
        assert listening(gate) == {"127.0.0.1:9130", "127.0.0.1:3128"}
