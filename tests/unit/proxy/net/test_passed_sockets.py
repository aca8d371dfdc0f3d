"""Listening sockets of another process: listeners get copies, and the kernel's queue stays."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from licensegate.proxy.net.listener import ListenError
from licensegate.proxy.net.passed_sockets import PassedSocket, PassedSockets, why_unusable
from licensegate.proxy.settings import ListenAddress
from support.sockets import descriptors
from support.upstream import closed_port


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", closed_port())) as sock:
        yield sock


def address_of(sock: socket.socket) -> ListenAddress:
    return ListenAddress(*sock.getsockname()[:2])


def test_a_listener_gets_a_copy_of_the_socket_with_its_address(listening: socket.socket) -> None:
    passed = PassedSockets([PassedSocket(listening, lasting=True)])
    with socket.create_connection(listening.getsockname()):
        with passed.bind(address_of(listening)) as first:
            assert not first.getblocking()
            assert first.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with passed.bind(address_of(listening)) as again:
            again.accept()[0].close()  # the client waited while no listener had the socket

    assert passed.used == {0}


def test_another_address_is_bound(listening: socket.socket) -> None:
    passed = PassedSockets([PassedSocket(listening)])
    with passed.bind(ListenAddress("127.0.0.1", 0)) as sock:
        assert sock.getsockname() != listening.getsockname()
    assert passed.used == set()


@pytest.mark.parametrize("lasting", [False, True])
def test_only_what_the_gate_before_leaves_gives_way(listening: socket.socket, lasting: bool) -> None:
    """What the service manager holds is never free."""
    passed = PassedSockets([PassedSocket(listening, lasting=lasting)])
    wider = ListenAddress("0.0.0.0", listening.getsockname()[1])
    with pytest.raises(ListenError) if lasting else contextlib.nullcontext():
        passed.bind(wider).close()


def test_an_address_is_found_however_it_is_written() -> None:
    with socket.create_server(("::1", closed_port()), family=socket.AF_INET6) as sock:
        one = PassedSocket(sock)
        port = sock.getsockname()[1]
        assert one.serves(ListenAddress("0:0:0:0:0:0:0:1", port))
        assert not one.serves(ListenAddress("::1", port + 1))
        assert not one.serves(ListenAddress("::", port))
        assert str(one.address) == f"[::1]:{port}"


def test_only_the_service_managers_sockets_stay(listening: socket.socket) -> None:
    before = descriptors()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = address_of(other)
        passed = PassedSockets([PassedSocket(listening, "gate.socket", lasting=True), PassedSocket(other)])
        passed.let_go()
        assert [one.name for one in passed.unused([address])] == ["gate.socket"]
        assert passed.unused([address_of(listening)]) == []
        assert descriptors() == before
        passed.close()
        assert listening.fileno() == -1


def test_a_socket_without_clients_says_what_to_change() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as local,
        socket.socket() as silent,
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both,
        socket.create_server(("::", 0), family=socket.AF_INET6) as v6,
        socket.create_server(("127.0.0.1", 0)) as v4,
    ):
        assert "ListenStream=" in why_unusable(datagrams)
        assert "ListenStream=" in why_unusable(local)
        assert "Accept=no" in why_unusable(silent)
        assert "BindIPv6Only=ipv6-only" in why_unusable(both)
        assert why_unusable(v6) == why_unusable(v4) == ""
