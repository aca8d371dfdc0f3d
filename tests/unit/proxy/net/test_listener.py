import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from licensegate.allowlist.client_networks import Network
from licensegate.proxy.net import listener as listener_module
from licensegate.proxy.net.listener import Listener, ListenError, bind
from licensegate.proxy.settings import ListenAddress
from support.sockets import descriptors, no_free_descriptors, reset, run, turns, until
from support.tunnel_harness import CountingPoller, counting_poller


class Entrance:
    """A listener, and the connections it accepted."""

    def __init__(self, poller: CountingPoller, sock: socket.socket, balancers: tuple[Network, ...] = ()) -> None:
        self.came: list[tuple[str, int]] = []
        self.sockets: list[socket.SocketType] = []
        self.poller = poller
        self.sock = sock
        address = ListenAddress("127.0.0.1", 0, proxy_protocol_from=balancers)
        self.listener = Listener(asyncio.get_running_loop(), poller, address, sock, self._accept)
        self._clients: list[socket.socket] = []

    def _accept(self, listener: Listener, sock: socket.SocketType, client: str, port: int) -> None:
        assert listener is self.listener
        self.sockets.append(sock)
        self.came.append((client, port))

    def knock(self, host: str = "") -> socket.socket:
        client = socket.socket(socket.AF_INET6 if ":" in (host or self.listener.host) else socket.AF_INET)
        client.setblocking(False)
        self._clients.append(client)
        assert client.connect_ex((host or self.listener.host, self.listener.port)) in (0, errno.EINPROGRESS)
        return client

    def close(self) -> None:
        for sock in (self.sock, *self.sockets, *self._clients):
            sock.close()


@contextlib.contextmanager
def entrance(sock: socket.socket | None = None, balancers: tuple[Network, ...] = ()) -> Iterator[Entrance]:
    with (
        counting_poller() as poller,
        contextlib.closing(Entrance(poller, sock or bind(ListenAddress("127.0.0.1", 0)), balancers)) as made,
    ):
        yield made
        made.listener.close()


def test_an_accepted_connection_has_the_clients_address() -> None:
    async def main() -> None:
        with entrance() as here:
            client = here.knock()
            await until(lambda: here.came)
            assert here.came == [client.getsockname()]
            assert here.listener.name == f"127.0.0.1:{here.listener.port}"

    run(main())


@pytest.mark.parametrize("python", ["this", "another"])
def test_an_accepted_socket_is_non_blocking_with_keepalive_and_nodelay(
    monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    if python == "another":
        monkeypatch.setattr(listener_module, "_accept_descriptor", None)

    async def main() -> None:
        with entrance() as here:
            here.knock()
            await until(lambda: here.came)
            (sock,) = here.sockets
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            idle, interval, count = (
                sock.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert idle + interval * count <= 120, "a peer that vanished is noticed within two minutes"

    run(main())


def test_ipv4_and_ipv6_can_share_a_port() -> None:
    async def main() -> None:
        with (
            entrance(bind(ListenAddress("0.0.0.0", 0))) as v4,
            entrance(bind(ListenAddress("::", v4.listener.port))) as v6,
        ):
            v4.knock("127.0.0.1")
            v6.knock("::1")
            await until(lambda: v4.came and v6.came)
            assert [client for client, _ in v4.came] == ["127.0.0.1"]
            assert [client for client, _ in v6.came] == ["::1"]
            assert v6.listener.name == f"[::]:{v4.listener.port}"

    run(main())


def test_an_ipv4_mapped_client_counts_as_ipv4() -> None:
    async def main() -> None:
        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        both.setblocking(False)
        with entrance(both) as here:
            here.knock("127.0.0.1")
            await until(lambda: here.came)
            assert here.came[0][0] == "127.0.0.1"

    run(main())


def test_many_at_once_are_all_accepted_some_in_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_ACCEPTS_AT_ONCE", 3)

    async def main() -> None:
        with entrance() as here:
            for _ in range(10):
                here.knock()
            before = here.poller.wake_ups
            await until(lambda: len(here.came) == 10)
            assert here.poller.wake_ups >= before + 4

    run(main())


def test_a_client_that_left_before_accept_is_ignored() -> None:
    async def main() -> None:
        with entrance() as here:
            reset(here.knock())
            here.knock()
            await until(lambda: here.came)
            here.knock()
            await until(lambda: len(here.came) >= 2)
            assert here.listener.accepts

    run(main())


def test_accepting_pauses_without_descriptors_and_recovers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, "_PAUSE_SECONDS", 0.05)

    async def main() -> None:
        with entrance() as here:
            here.knock()
            with no_free_descriptors():
                await until(lambda: here.listener._pause)
                before = here.poller.wake_ups
                await turns()
                assert here.poller.wake_ups <= before + 1
                first = here.listener._pause
                await until(lambda: here.listener._pause not in (None, first))
                assert not here.came
            await until(lambda: here.came)
            assert here.listener._pause is None

    run(main())
    lines = [record.getMessage() for record in caplog.records]
    assert "Too many open files" in lines[0]
    assert "127.0.0.1" in lines[0]


def test_a_listener_closed_in_its_pause_stays_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_PAUSE_SECONDS", 0.01)

    async def main() -> None:
        with entrance() as here:
            here.knock()
            with no_free_descriptors():
                await until(lambda: here.listener._pause)
                here.listener.close()
            await asyncio.sleep(0.05)
            assert not here.came

    run(main())


def test_a_closed_listener_refuses_connections() -> None:
    async def main() -> None:
        with entrance() as here:
            here.listener.close()
            here.poller.finish_batch()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((here.listener.host, here.listener.port))

    run(main())


def test_a_fault_with_one_connection_leaves_the_listener_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Listener, sock: socket.socket, *__: object) -> None:
        sock.close()
        raise ZeroDivisionError

    async def main() -> None:
        with entrance() as here:
            with monkeypatch.context() as patched:
                patched.setattr(here.listener, "_accepted", fail)
                here.knock()
                await turns(20)
            here.knock()
            await until(lambda: here.came)
            assert len(here.came) == 1

    run(main())


def test_a_listener_knows_its_own_balancers_only() -> None:
    async def main() -> None:
        balancers = (ip_network("10.0.0.5/32"), ip_network("2001:db8:5::/48"))
        with entrance(balancers=balancers) as here, entrance() as another:
            assert here.listener.is_balancer("10.0.0.5")
            assert here.listener.is_balancer("2001:db8:5::1")
            for stranger in ("10.0.0.6", "127.0.0.1", "2001:db8:6::1"):
                assert not here.listener.is_balancer(stranger)
            assert not another.listener.is_balancer("10.0.0.5")

    run(main())


def test_a_new_address_replaces_the_balancers() -> None:
    async def main() -> None:
        with entrance() as here:
            there = ListenAddress("127.0.0.1", 0, proxy_protocol_from=(ip_network("10.0.0.5/32"),))
            assert here.listener.serves(there)
            assert not here.listener.serves(ListenAddress("127.0.0.2", 0))
            here.listener.address = there
            assert here.listener.is_balancer("10.0.0.5")
            here.listener.address = ListenAddress("127.0.0.1", 0)
            assert not here.listener.is_balancer("10.0.0.5")

    run(main())


def test_a_port_in_use_is_an_error_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError) as refused:
            bind(ListenAddress("127.0.0.1", port))
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "another program" in str(refused.value)


def test_an_address_of_another_host_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:3128: this host has no such address"):
        bind(ListenAddress("192.0.2.1", 3128))


@pytest.mark.parametrize(
    ("number", "call", "words"),
    [
        pytest.param(errno.EACCES, "bind", "net.ipv4.ip_unprivileged_port_start", id="no privilege"),
        pytest.param(errno.EAFNOSUPPORT, "__init__", "no IPv6", id="no IPv6"),
        pytest.param(errno.EMFILE, "__init__", "Too many open files", id="no descriptor"),
        pytest.param(errno.ENOMEM, "listen", "Cannot allocate memory", id="else"),
    ],
)
def test_any_other_refusal_is_one_line_and_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, number: int, call: str, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    before = descriptors()
    monkeypatch.setattr(socket.socket, call, refuse)
    with pytest.raises(ListenError) as refused:
        bind(ListenAddress("::", 0))
    monkeypatch.undo()
    assert str(refused.value).startswith("cannot listen on [::]:0: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert descriptors() == before


def test_a_paused_listener_leaves_clients_in_the_queue() -> None:
    async def main() -> None:
        with entrance() as here:
            here.listener.pause()
            here.knock()
            before = here.poller.wake_ups
            await turns()
            assert here.came == []
            assert here.poller.wake_ups == before
            here.listener.resume()
            await until(lambda: here.came)

    run(main())


def test_a_closed_listener_is_not_called_for_a_socket_that_others_have() -> None:
    """epoll goes on watching a socket that is open elsewhere (epoll(7))."""

    async def main() -> None:
        with entrance() as here, here.sock.dup():
            here.listener.close()
            here.poller.finish_batch()
            here.knock()
            before = here.poller.wake_ups
            await turns()
            assert here.poller.wake_ups == before

    run(main())
