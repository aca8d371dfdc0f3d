"""A thousand tunnels with data flowing, and newcomers beside them, across reloads and a handover."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gate import ANYTHING, cisco_at
from support.handed_over import STATE, HandedOver, alive, open_things
from support.many_tunnels import ManyTunnels, echoing
from support.sockets import spin_until
from support.upstream import closed_port

TUNNELS = 1000
RELOADS = 10


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many descriptors as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
def test_a_thousand_tunnels_and_newcomers_notice_no_handover(tmp_path: Path) -> None:
    """Across ten reloads and a handover no byte is lost, nobody is refused, and nothing is left behind."""
    listening = socket.create_server(("127.0.0.1", 0))
    port, admin = closed_port(), f"127.0.0.1:{closed_port()}"

    def in_force(reload: int) -> str:
        most = 2 * TUNNELS + reload
        limits = f"[limits]\ntunnels = {most}\ntunnels_per_client = {most}\n"
        text = cisco_at(listening.getsockname()[1], more=STATE + ANYTHING + limits, admin=admin)
        return text.replace("127.0.0.1:0", f"127.0.0.1:{port}")

    async def main() -> ManyTunnels:
        async with echoing(listening), ManyTunnels(port, TUNNELS) as tunnels:
            for reload in range(1, RELOADS + 1):
                gate.settings.write_text(in_force(reload))
                reply = await asyncio.to_thread(gate.ask, "reload")
                assert "limits.tunnels from" in reply.message
                await tunnels.more(newcomers=5)
            before = gate.pid
            reply = await asyncio.to_thread(gate.hand_over, drain_seconds=3600)
            assert reply.ok, reply.message
            await tunnels.more(rounds=2, newcomers=5)
            assert alive(before)
        await asyncio.to_thread(gate.await_old_end)
        return tunnels

    with HandedOver(tmp_path, in_force(0)) as gate:
        base = gate.settled()
        tunnels = asyncio.run(main())
        records = gate.records(TUNNELS + tunnels.newcomers)
        spin_until(lambda: open_things(gate.pid) <= base)

    assert {record["outcome"] for record in records} == {"closed_by_client"}
    assert len(records) == TUNNELS + tunnels.newcomers
    for counted in ("upstream_written", "upstream_read"):
        assert sum(record[counted] for record in records) == tunnels.carried
