"""Random clients, logins and parents: each connection ends in one record and leaves nothing open."""

import asyncio
import logging
import random
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.dial.loop_guard import LoopGuard
from licensegate.proxy.dial.settings import DialSettings
from licensegate.proxy.net.deadline import Deadline
from licensegate.proxy.parent.selector import ParentSelector
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentSettings
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.records.outcome import Outcome
from support.conversation_harness import make_authenticator
from support.logins import basic
from support.scripted_parent import CLOSING_BODY, ESTABLISHED, Behaviour, GateConnection, ScriptedParent, password_file
from support.sockets import descriptors, reset, run, turns, until
from support.tunnel_harness import HELLO, TunnelHarness, open_harness

STORIES: Final = 500
LOGIN: Final = b"HTTP/1.1 407 Login\r\nProxy-Authenticate: "
CHALLENGES: Final = (b"Basic", b'Digest realm="r", nonce="n", qop="auth"', b"Negotiate", b"nonsense")
ENDINGS: Final = (b"Content-Length: 2\r\n\r\nno", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CLOSING_BODY, b"\r\n")


def parent_by(chance: random.Random) -> Behaviour:
    """A parent that answers each request at random after a pause."""

    async def behave(gate: GateConnection) -> None:
        while True:
            await gate.head()
            await turns(chance.choice([0, 0, 1, 5, 30]))
            match chance.randrange(8):
                case 0 | 1:
                    await gate.open_tunnel(chance.choice([b"", b"said at once"]))
                    return
                case 2 | 3 | 4:
                    gate.send(LOGIN, chance.choice(CHALLENGES), b"\r\n", chance.choice(ENDINGS))
                case 5:
                    gate.send(
                        chance.choice([b"HTTP/1.1 403 no\r\n" + CLOSING_BODY, b"SSH-2.0\r\n\r\n", ESTABLISHED[:20]])
                    )
                    return
                case 6:
                    gate.reset()
                    return
                case _:
                    await gate.hold()
                    return

    return behave


def head_by(chance: random.Random, harness: TunnelHarness) -> bytes:
    """A client's first bytes: all or part of a head, with or without a login and a tunnel's first bytes."""
    login = chance.choice(["", *(f"Proxy-Authorization: {value}\r\n" for value in (basic(), basic(password="x")))])
    said = harness.connect[:-2] + f"{login}\r\n".encode() + chance.choice([b"", HELLO, b"SSH-2.0"])
    return said[: chance.choice([10, len(said), len(said), len(said)])]


def run_out(harness: TunnelHarness, deadline: Deadline) -> None:
    """Let this deadline pass for all its owners."""
    for owner in deadline.expired(time.monotonic() + 1e6):
        harness.poller.run(owner, owner.deadline_passed, deadline)
    harness.poller.finish_batch()


def deeds(harness: TunnelHarness, client: socket.socket, tunnel: Tunnel) -> list[Callable[[], object]]:
    """Events that may happen at any moment."""
    return [
        lambda: client.send(HELLO),
        lambda: client.shutdown(socket.SHUT_WR),
        lambda: client.recv(65536),
        lambda: reset(client),
        *(partial(run_out, harness, deadline) for deadline in harness.context.deadlines._all),
        partial(stop, harness, tunnel),
    ]


def stop(harness: TunnelHarness, tunnel: Tunnel) -> None:
    harness.poller.run(tunnel, tunnel.stop)
    harness.poller.finish_batch()


async def tell(chance: random.Random, harness: TunnelHarness) -> None:
    """One client's story, from its first bytes to its record."""
    client, tunnel = harness.accept(head_by(chance, harness))
    for _ in range(chance.randrange(5)):
        await turns(chance.choice([0, 1, 2, 5, 10, 40]))
        if harness.final_records or client.fileno() < 0:
            break
        try:
            chance.choice(deeds(harness, client, tunnel))()
        except OSError:
            continue
    client.close()
    await turns(20)
    if not harness.final_records:
        harness.sweep(1e4)
    record = await harness.last_record()
    assert record.outcome is not None
    assert record.outcome is not Outcome.INTERNAL_ERROR


def test_any_story_ends_in_one_record_and_leaves_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(seed: int) -> None:
        chance = random.Random(seed)
        before = descriptors()
        first, second = (ScriptedParent(parent_by(chance)) for _ in range(2))
        async with first.serve(), second.serve():
            with open_harness(443) as harness:
                auth = ParentAuth(chance.choice(["auto", "basic", "digest"]))
                login = ParentLogin(auth, "svc", password_file(tmp_path))
                parents = [first.settings(login), second.settings(login, seconds=0.02)]
                used = ParentSettings(tuple(parents[: chance.randint(1, 2)]), direct=chance.random() < 0.2)
                loop = asyncio.get_running_loop()
                dialer = Dialer(loop, harness.poller, harness.resolver, LoopGuard(), DialSettings())
                harness.context.dialer = ParentSelector(dialer, used)
                if chance.random() < 0.5:
                    harness.context.snapshot = structs.replace(
                        harness.context.snapshot, authenticator=make_authenticator()
                    )
                await tell(chance, harness)
                await until(lambda: is_over(first, second))
                await harness.assert_nothing_left()
        await turns(5)
        assert descriptors() <= before  # those of an earlier test may have been collected meanwhile

    for seed in range(STORIES):
        run(story(seed))
        assert not any(map(is_fault, caplog.records)), f"story {seed}"


def is_fault(logged: logging.LogRecord) -> bool:
    """Errors of the gate. Errors of the parents' asyncio streams are left out."""
    return logged.exc_info is not None if logged.name.startswith("licensegate") else "never retrieved" in logged.message


def is_over(*parents: ScriptedParent) -> bool:
    """Whether no dial continues after the parents hung up; a waiting one may try once more."""
    for parent in parents:
        parent.end()
    return not any("ParentDial" in task or "ConnectAttempt" in task for task in map(repr, asyncio.all_tasks()))
