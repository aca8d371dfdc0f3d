"""An ended tunnel is freed at once, however it ended: the garbage collector, which runs rarely, has nothing to find."""

import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from unittest.mock import patch

import pytest
from msgspec import structs

from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.parent.selector import ParentSelector
from licensegate.proxy.parent.settings import ParentProxy, ParentSettings
from licensegate.proxy.tunnel.relay import Relay
from licensegate.records.outcome import Outcome
from support.conversation_harness import make_authenticator
from support.logins import basic
from support.sockets import receive, reset, run
from support.tls_client import IDENTITY
from support.tunnel_harness import (
    ESTABLISHED,
    HELLO,
    LoopUpstream,
    TunnelHarness,
    open_harness_with_upstream,
    read_status,
)

Story = Callable[[TunnelHarness, LoopUpstream], Awaitable[object]]
LATER = 86400  # seconds: beyond every deadline


@contextlib.contextmanager
def collecting_nothing() -> Iterator[None]:
    """Assert that the code makes no cycles of the gate's objects, of sockets, or of frames with the gate's code."""
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [value for value in gc.garbage if belongs_to_a_tunnel(value)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert found == []


def belongs_to_a_tunnel(value: object) -> bool:
    """Whether an object is the gate's, a socket's or a frame of the gate's code, and so could keep a tunnel alive."""
    if isinstance(value, FrameType):
        return str(value.f_globals.get("__name__", "")).startswith("licensegate.")
    return isinstance(value, socket.SocketType) or type(value).__module__.startswith("licensegate.")


async def closed_by_the_client(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, far, _ = await harness.open_tunnel(upstream)
    client.send(HELLO)
    assert await receive(far, len(HELLO)) == HELLO
    far.send(b"answer")
    assert await receive(client, 6) == b"answer"
    client.close()
    assert await receive(far) == b""
    far.close()


async def reset_by_the_client(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, far, _ = await harness.open_tunnel(upstream)
    reset(client)
    await receive(far)
    far.close()


async def reset_by_the_target(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, far, _ = await harness.open_tunnel(upstream)
    client.send(HELLO)
    await receive(far, len(HELLO))
    reset(far)
    await receive(client)
    client.close()


async def idle_for_too_long(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _, _ = await harness.open_tunnel(upstream)
    harness.sweep(LATER)
    client.close()


async def broken_by_a_fault(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _, _ = await harness.open_tunnel(upstream)
    with patch.object(Relay, "ready", side_effect=RuntimeError("a fault")):
        client.send(b"x")
        await harness.last_record()
    client.close()


async def cut_by_a_stop(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _, tunnel = await harness.open_tunnel(upstream)
    tunnel.stop()
    harness.poller.finish_batch()
    client.close()


async def not_allowed(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _ = harness.accept(b"CONNECT elsewhere.test:443 HTTP/1.1\r\n\r\n")
    assert (await read_status(client)).startswith("403")
    client.close()


async def malformed(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _ = harness.accept(b"CONNECT \0 HTTP/1.1\r\n\r\n")
    assert (await read_status(client)).startswith("400")
    client.close()


async def not_listening(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    upstream.close()
    client, _ = harness.accept(harness.connect)
    assert (await read_status(client)).startswith("502")
    client.close()


async def silent(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _ = harness.accept(b"CONNECT ")
    harness.sweep(LATER)
    await receive(client)
    client.close()


async def inside_tls(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, far, _ = await harness.open_tls_tunnel(upstream)
    far.send(b"answer")
    assert await client.receive(6) == b"answer"
    await client.close_notify()
    assert await receive(far) == b""
    far.close()
    assert await client.receive() == b""


async def broken_tls(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, _ = await harness.connect_tls()
    client.sock.send(b"\x17\x03\x03\0\x20" + bytes(32))  # a record that no key decrypts
    await receive(client.sock)
    client.sock.close()


async def right_password(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    harness.context.snapshot = structs.replace(harness.context.snapshot, authenticator=make_authenticator())
    client, _ = harness.accept(with_password(harness, basic()))
    far = await upstream.accept()
    assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
    client.close()
    await receive(far)
    far.close()


async def wrong_password(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    harness.context.snapshot = structs.replace(harness.context.snapshot, authenticator=make_authenticator())
    client, _ = harness.accept(with_password(harness, basic(password="x")))
    assert (await read_status(client)).startswith("407")
    client.close()


def with_password(harness: TunnelHarness, value: str) -> bytes:
    return harness.connect[:-2] + f"Proxy-Authorization: {value}\r\n\r\n".encode()


async def through_a_parent(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, parent = await ask_parent(harness, upstream)
    parent.send(b"HTTP/1.1 200 OK\r\n\r\n")
    assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
    client.close()
    await receive(parent)
    parent.close()


async def refused_by_the_parent(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, parent = await ask_parent(harness, upstream)
    parent.send(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    assert (await read_status(client)).startswith("502")
    client.close()
    parent.close()


async def left_while_the_parent_is_asked(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, parent = await ask_parent(harness, upstream)
    reset(client)
    await receive(parent)
    parent.close()


async def unanswered_by_the_parent(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    client, parent = await ask_parent(harness, upstream)
    parent.close()
    assert (await read_status(client)).startswith("502")
    client.close()


async def no_parent_listening(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    upstream.close()
    use_parents(harness, ParentProxy("127.0.0.1", upstream.port), ParentProxy("localhost", upstream.port))
    client, _ = harness.accept(harness.connect)
    assert (await read_status(client)).startswith("502")
    client.close()


async def no_tls_to_the_parent(harness: TunnelHarness, upstream: LoopUpstream) -> None:
    use_parents(harness, ParentProxy("127.0.0.1", upstream.port, tls=True))
    client, _ = harness.accept(harness.connect)
    parent = await upstream.accept()
    parent.send(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
    assert (await read_status(client)).startswith("502")
    client.close()
    parent.close()


async def ask_parent(harness: TunnelHarness, upstream: LoopUpstream) -> tuple[socket.socket, socket.socket]:
    """Send a request that a parent has received. Returns the client's socket and the parent's."""
    use_parents(harness, ParentProxy("127.0.0.1", upstream.port))
    client, _ = harness.accept(harness.connect)
    parent = await upstream.accept()
    assert (await receive(parent, len(b"CONNECT "))) == b"CONNECT "
    return client, parent


def use_parents(harness: TunnelHarness, *parents: ParentProxy) -> None:
    """Reach targets through these parents only."""
    dialer = harness.context.dialer
    assert isinstance(dialer, Dialer)
    harness.context.dialer = ParentSelector(dialer, ParentSettings(parents, direct=False))


STORIES: dict[Story, Outcome] = {
    closed_by_the_client: Outcome.CLOSED_BY_CLIENT,
    reset_by_the_client: Outcome.RESET_BY_CLIENT,
    reset_by_the_target: Outcome.RESET_BY_UPSTREAM,
    idle_for_too_long: Outcome.IDLE_TIMEOUT,
    broken_by_a_fault: Outcome.INTERNAL_ERROR,
    cut_by_a_stop: Outcome.CUT_BY_STOP,
    not_allowed: Outcome.TARGET_NOT_ALLOWED,
    malformed: Outcome.HEAD_MALFORMED,
    not_listening: Outcome.CONNECTION_REFUSED,
    silent: Outcome.HEAD_TIMEOUT,
    inside_tls: Outcome.CLOSED_BY_CLIENT,
    broken_tls: Outcome.TLS_FAILED,
    right_password: Outcome.CLOSED_BY_CLIENT,
    wrong_password: Outcome.LOGIN_REFUSED,
    through_a_parent: Outcome.CLOSED_BY_CLIENT,
    refused_by_the_parent: Outcome.PARENT_REFUSED,
    unanswered_by_the_parent: Outcome.PARENT_BROKE_OFF,
    left_while_the_parent_is_asked: Outcome.CLIENT_LEFT_IN_DIAL,
    no_parent_listening: Outcome.PARENTS_EXHAUSTED,
    no_tls_to_the_parent: Outcome.PARENT_TLS_FAILED,
}


@pytest.mark.parametrize(("story", "outcome"), STORIES.items(), ids=[story.__name__ for story in STORIES])
def test_an_ended_tunnel_leaves_no_cycles(story: Story, outcome: Outcome) -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream), collecting_nothing():
            await story(harness, upstream)
            assert (await harness.last_record()).outcome is outcome
            await harness.assert_nothing_left()

    run(main())
