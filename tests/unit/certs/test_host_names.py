import socket
import threading
from pathlib import Path

import pytest

from licensegate.certs import host_names as module
from licensegate.certs.host_names import host_name, host_names

# Of a host with two interfaces and a secondary address, as Linux shows them.
FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.1.0.0/16 2 0 2
        |-- 10.1.0.0
           /16 link UNICAST
        |-- 10.1.2.3
           /32 host LOCAL
        |-- 10.1.255.255
           /32 link BROADCAST
     |-- 192.0.2.7
        /32 host LOCAL
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.2.3
        /32 host LOCAL
"""
IF_INET6 = """\
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 04 40 00 82     eth0
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of that kind, called gate.example.net."""
    (tmp_path / "fib_trie").write_text(FIB_TRIE)
    (tmp_path / "if_inet6").write_text(IF_INET6)
    monkeypatch.setattr(module, "_IPV4", tmp_path / "fib_trie")
    monkeypatch.setattr(module, "_IPV6", tmp_path / "if_inet6")
    monkeypatch.setattr(socket, "getfqdn", lambda: "gate.example.net")
    monkeypatch.setattr(socket, "gethostname", lambda: "Gate")
    return tmp_path


def test_the_host_name_has_its_domain(machine: Path) -> None:
    assert host_name() == "gate.example.net"


def test_an_unreachable_dns_server_delays_nothing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = threading.Event()
    monkeypatch.setattr(socket, "getfqdn", away.wait)
    monkeypatch.setattr(module, "_NAME_SECONDS", 0.01)

    assert host_name() == "Gate"
    away.set()


def test_every_usable_name_and_address_is_listed(machine: Path) -> None:
    loopback = ("localhost", "127.0.0.1", "::1")

    assert host_names() == ("gate.example.net", "gate", "10.1.2.3", "192.0.2.7", "2001:db8::2", *loopback)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("localhost", id="localhost"),
        pytest.param("my gate", id="with a blank"),
        pytest.param("-gate-", id="with hyphens at its edges"),
        pytest.param("", id="empty"),
    ],
)
def test_a_useless_name_is_left_out(machine: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: name)

    assert host_names()[:2] == ("gate", "10.1.2.3")


def test_names_remain_when_proc_shows_no_addresses(machine: Path) -> None:
    for file in machine.iterdir():
        file.unlink()

    assert host_names() == ("gate.example.net", "gate", "localhost", "127.0.0.1", "::1")


def test_the_real_address_of_this_machine_is_listed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[0] in host_names()
