import errno
import os
import socket
import time
from typing import Any

import pytest

from licensegate.proxy.dial import loop_guard as module
from licensegate.proxy.dial.loop_guard import LoopGuard


def own(*bound: tuple[str, int]) -> LoopGuard:
    made = LoopGuard()
    for host, port in bound:
        made.add(host, port)
    return made


def test_an_address_stays_as_long_as_one_of_its_sockets() -> None:
    guard = own(("127.0.0.1", 3128), ("127.0.0.1", 3128))

    guard.remove("127.0.0.1", 3128)
    assert guard.has("127.0.0.1", 3128)
    guard.remove("127.0.0.1", 3128)
    assert not guard.has("127.0.0.1", 3128)


@pytest.mark.parametrize(
    ("bound", "address", "port", "ours"),
    [
        pytest.param("127.0.0.1", "127.0.0.1", 3128, True, id="the address itself"),
        pytest.param("127.0.0.1", "127.0.0.1", 3129, False, id="another port"),
        pytest.param("127.0.0.1", "127.0.0.2", 3128, False, id="another local address"),
        pytest.param("127.0.0.1", "192.0.2.1", 3128, False, id="an address elsewhere"),
        pytest.param("127.0.0.1", "::ffff:127.0.0.1", 3128, True, id="the address inside an IPv6 one"),
        pytest.param("127.0.0.1", "0.0.0.0", 3128, True, id="no address means this host"),
        pytest.param("127.0.0.1", "::ffff:0.0.0.0", 3128, True, id="no address inside an IPv6 one"),
        pytest.param("::1", "::1", 3128, True, id="IPv6 itself"),
        pytest.param("::1", "::", 3128, True, id="no IPv6 address means this host"),
        pytest.param("::1", "::2", 3128, False, id="an IPv6 address elsewhere"),
        pytest.param("0.0.0.0", "127.0.0.1", 3128, True, id="wildcard, by loopback"),
        pytest.param("0.0.0.0", "127.9.9.9", 3128, True, id="wildcard, by another loopback"),
        pytest.param("0.0.0.0", "::ffff:127.0.0.1", 3128, True, id="wildcard, by loopback inside IPv6"),
        pytest.param("0.0.0.0", "0.0.0.0", 3128, True, id="wildcard, by no address"),
        pytest.param("0.0.0.0", "127.0.0.1", 443, False, id="wildcard, another port"),
        pytest.param("0.0.0.0", "192.0.2.1", 3128, False, id="wildcard, an address elsewhere"),
        pytest.param("::", "::1", 3128, True, id="IPv6 wildcard, by loopback"),
        pytest.param("::", "2001:db8::1", 3128, False, id="IPv6 wildcard, an address elsewhere"),
    ],
)
def test_every_address_that_leads_to_the_gate_is_recognised(bound: str, address: str, port: int, ours: bool) -> None:
    assert own((bound, 3128)).has(address, port) is ours


@pytest.mark.parametrize(
    ("bound", "address"),
    [
        pytest.param("127.0.0.1", "0.0.0.0", id="no address"),
        pytest.param("127.0.0.1", "::ffff:127.0.0.1", id="inside IPv6"),
        pytest.param("127.0.0.1", "::ffff:0.0.0.0", id="no address inside IPv6"),
        pytest.param("::1", "::", id="no IPv6 address"),
        pytest.param("0.0.0.0", "127.9.9.9", id="wildcard, another loopback"),
        pytest.param("0.0.0.0", "::ffff:127.0.0.1", id="wildcard, inside IPv6"),
    ],
)
def test_the_kernel_connects_such_an_address_to_the_socket(bound: str, address: str) -> None:
    """The table above relies on this."""
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.create_server((bound, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((address, port)):
            accepted, _ = listener.accept()
            accepted.close()
        assert own((bound, port)).has(address, port)


def test_only_this_hosts_addresses_are_local() -> None:
    sockets = own()
    assert sockets.is_local("127.0.0.1")
    assert sockets.is_local("::1")
    assert sockets.is_local(address_of_this_host())
    assert not sockets.is_local("192.0.2.1")
    assert not sockets.is_local("2001:db8::1")


def address_of_this_host() -> str:
    """The source address for other hosts; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this host has no route to anywhere")
        return str(probe.getsockname()[0])


def test_a_wildcard_listener_is_recognised_by_the_hosts_address() -> None:
    assert own(("0.0.0.0", 3128)).has(address_of_this_host(), 3128)


class Kernel:
    """A replacement for `_is_local` with a fixed answer, which records its calls."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, address: str) -> bool:
        self.asked.append(address)
        return self.answer


def test_whether_an_address_is_local_is_cached_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, now = Kernel(True), [1000.0]
    monkeypatch.setattr(module, "_is_local", kernel)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sockets = own()
    assert sockets.is_local("192.0.2.1")
    assert sockets.is_local("192.0.2.1")
    assert kernel.asked == ["192.0.2.1"]

    kernel.answer = False
    now[0] += module._CACHE_SECONDS + 1
    assert not sockets.is_local("192.0.2.1"), "an address that was removed stays local for ever"
    assert len(kernel.asked) == 2


def test_the_address_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_local", Kernel(False))
    monkeypatch.setattr(module, "_CACHED_ADDRESSES", 8)
    sockets = own()
    for last in range(100):
        sockets.is_local(f"192.0.2.{last}")
        assert len(sockets._local) <= 9


def test_a_failed_address_check_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    sockets = own(("0.0.0.0", 3128))
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", refuse)
        sockets.has("127.0.0.1", 3128)
    assert sockets.has("127.0.0.1", 3128), "for want of a descriptor the gate would dial itself for a while"
