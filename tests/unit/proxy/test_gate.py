import asyncio
import contextlib
import socket
from collections.abc import Sequence
from ipaddress import ip_network
from unittest.mock import patch

import pytest

from licensegate.proxy.dial.dialer import Dialer
from licensegate.proxy.dial.resolution import Resolved
from licensegate.proxy.dial.settings import DialSettings, DnsSettings
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, ListenAddress, TunnelChecks
from licensegate.proxy.tunnel.tunnel import Tunnel
from licensegate.proxy.wire.tls_records import fatal_alert
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.client_hellos import hello_message, in_records, server_name_extension
from support.resolver_harness import once
from support.running_gate import LOOPBACK, RunningGate, run_gate
from support.sockets import descriptors, is_closed, receive, run, turns, until
from support.tls_client import IDENTITY
from support.tunnel_harness import ESTABLISHED, HELLO, HOST, LoopUpstream, connect_head, one_target_snapshot

LOOPBACK_2 = ListenAddress("127.0.0.2", 0)


def test_a_tunnel_through_the_gate_is_recorded_once() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client, far = await running.open_tunnel()
            client.close()
            far.close()
            await until(lambda: running.batches)
            assert running.outcomes == [Outcome.CLOSED_BY_CLIENT]
            record = running.batches[0][0]
            assert record.client == "127.0.0.1"
            assert record.listener == running.gate.listeners[0].name
            assert len(running.gate.connections) == 0

    run(main())


def test_tls_without_connect_is_relayed_without_an_answer() -> None:
    async def main() -> None:
        async with run_gate(checks=TunnelChecks(), identity=IDENTITY) as running:
            client = running.connect(HELLO)
            far = await running.upstream.accept()
            assert await receive(far, len(HELLO)) == HELLO
            far.send(b"answer")
            assert await receive(client, 6) == b"answer"
            client.close()
            far.close()
            record = await running.wait_for_records(1)
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert (record.protocol, record.target, record.status) == ("tls", f"{HOST}:443", 0)
            assert (record.client_read, record.client_written) == (len(HELLO), 6)

    run(main())


def test_tls_to_another_target_gets_an_alert_while_it_still_sends() -> None:
    async def main() -> None:
        async with run_gate(identity=IDENTITY) as running:
            client = running.connect(in_records(hello_message(server_name_extension(b"evil.example"))) + b"x" * 100_000)
            await turns(20)
            client.send(b"x" * 100_000)
            assert await receive(client) == fatal_alert(Alert.UNRECOGNIZED_NAME)
            client.close()
            record = await running.wait_for_records(1)
            assert record.outcome is Outcome.SERVER_NAME_NOT_ALLOWED
            assert not running.upstream.accepted

    run(main())


def test_every_observer_sees_the_records_of_a_batch_at_once() -> None:
    seen: list[int] = []

    async def main() -> None:
        async with run_gate(observers=[lambda records: seen.append(len(records))]) as running:
            for _ in range(5):
                running.connect().close()
            await until(lambda: len(running.outcomes) == 5)
            assert sum(seen) == 5
            assert [len(batch) for batch in running.batches] == seen

    run(main())


def test_a_fault_in_an_observer_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def fail(records: Sequence[TunnelRecord]) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        async with run_gate(observers=[fail]) as running:
            for count in range(1, 4):
                running.connect().close()
                await running.wait_for_records(count)
            client, far = await running.open_tunnel()
            client.close()
            far.close()
            await until(lambda: len(running.outcomes) == 4)
            await turns(20)
            assert len(running.outcomes) == 4

    run(main())
    assert {line.exc_info[0] for line in caplog.records if line.exc_info} == {ZeroDivisionError}


def test_the_sweep_ends_overdue_connections() -> None:
    async def main() -> None:
        async with run_gate(Limits(head_seconds=0.1)) as running:
            client = running.connect(b"C")
            assert (await receive(client)).startswith(b"HTTP/1.1 408 head_timeout")

    run(main())


@pytest.mark.parametrize("hopeless", [False, True], ids=["that can be ended", "that cannot even be ended"])
def test_the_sweep_survives_an_owner_that_raises(hopeless: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with run_gate(Limits(head_seconds=0)) as running:
            faulty, sound = running.connect(b"C"), running.connect(b"C")
            await until(lambda: len(running.gate.connections) == 2)
            tunnels = list(running.gate._context.deadlines.head._expires)
            broken, passed = tunnels[0], Tunnel.deadline_passed

            def fail(tunnel: Tunnel, *arguments: object) -> None:
                if tunnel is broken:
                    raise ZeroDivisionError
                passed(tunnel, *arguments)  # type: ignore[arg-type]

            running.gate._sweep_timer.cancel()
            with patch.object(Tunnel, "deadline_passed", fail):
                if hopeless:
                    with patch.object(Tunnel, "crashed", side_effect=LookupError):
                        running.gate._sweep()
                else:
                    running.gate._sweep()
                    await until(lambda: is_closed(faulty))
                assert (await receive(sound)).startswith(b"HTTP/1.1 408")
            again = running.connect(b"C")
            assert (await receive(again)).startswith(b"HTTP/1.1 408"), "the next sweep never came"

    run(main())
    assert ZeroDivisionError in {line.exc_info[0] for line in caplog.records if line.exc_info}


def test_the_sweep_continues_after_a_fault_in_it(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with run_gate(Limits(head_seconds=0)) as running:
            running.gate._sweep_timer.cancel()
            with (
                patch.object(running.gate._context.deadlines, "sweep", side_effect=ZeroDivisionError),
                contextlib.suppress(ZeroDivisionError),
            ):
                running.gate._sweep()
            client = running.connect(b"C")
            assert (await receive(client)).startswith(b"HTTP/1.1 408")

    run(main())


def test_a_drain_accepts_no_clients_and_ends_with_the_last_tunnel() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client, far = await running.open_tunnel()
            draining = asyncio.ensure_future(running.gate.drain(3600))
            await turns(20)
            assert not draining.done()
            with pytest.raises(ConnectionRefusedError):
                running.connect()
            client.send(b"goes on")
            assert await receive(far, 7) == b"goes on"
            client.close()
            far.close()
            assert await draining == 0
            assert running.outcomes == [Outcome.CLOSED_BY_CLIENT]

    run(main())


def test_a_connect_during_a_drain_is_refused() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client = running.connect()
            await until(lambda: running.gate.connections)
            draining = asyncio.ensure_future(running.gate.drain(3600))
            await turns(5)
            client.send(connect_head(443))
            answer = await receive(client)
            assert answer.startswith(b"HTTP/1.1 503 draining")
            assert b"\r\nRetry-After: " in answer
            client.close()
            assert await draining == 0

    run(main())


def test_a_drain_may_serve_clients_that_were_accepted() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client = running.connect()
            await until(lambda: running.gate.connections)
            running.gate.stop_accepting(serve_accepted=True)
            draining = asyncio.ensure_future(running.gate.drain(3600))
            await turns(5)
            client.send(connect_head(443))
            far = await running.upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert running.gate.draining
            client.close()
            far.close()
            assert await draining == 0

    run(main())


def test_a_drain_without_connections_ends_at_once() -> None:
    async def main() -> None:
        async with run_gate() as running:
            assert await running.gate.drain(3600) == 0

    run(main())


def test_the_end_of_a_drain_cuts_and_counts_open_tunnels() -> None:
    async def main() -> None:
        async with run_gate() as running:
            tunnels = [await running.open_tunnel() for _ in range(2)]
            running.connect()
            await until(lambda: len(running.gate.connections) == 3)
            assert await running.gate.drain(0.01) == 2
            assert running.outcomes.count(Outcome.CUT_BY_STOP) == 2
            assert running.outcomes.count(Outcome.CLOSED_UNUSED) == 1
            await until(lambda: all(is_closed(end) for tunnel in tunnels for end in tunnel))

    run(main())


def test_a_connection_that_cannot_be_cut_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with run_gate() as running:
            for _ in range(2):
                await running.open_tunnel()
            faulty, stop = next(iter(running.gate._context.connections)), Tunnel.stop

            def fail(tunnel: Tunnel) -> None:
                if tunnel is faulty:
                    raise ZeroDivisionError
                stop(tunnel)

            with patch.object(Tunnel, "stop", fail):
                await running.gate.drain(0)
            assert sorted(str(outcome) for outcome in running.outcomes) == [
                str(Outcome.CUT_BY_STOP), str(Outcome.INTERNAL_ERROR),
            ]  # fmt: skip

    run(main())


def test_a_closed_gate_has_nothing_open() -> None:
    async def main() -> None:
        before = descriptors()
        async with run_gate() as running:
            await running.open_tunnel()
            running.connect(b"C")
            await until(lambda: len(running.gate.connections) == 2)
        await turns(5)
        assert descriptors() == before

    run(main())


def test_an_unusable_named_address_ends_the_start() -> None:
    async def main() -> None:
        before = descriptors()
        with socket.create_server(("127.0.0.1", 0)) as other:
            gate = Gate(one_target_snapshot(Limits(), 443), DialSettings(), DnsSettings(), ParentSettings(), [])
            with pytest.raises(ListenError, match="another program"):
                gate.listen([LOOPBACK, ListenAddress("127.0.0.1", other.getsockname()[1])])
            gate.close()
        assert descriptors() == before

    run(main())


def test_an_unusable_default_address_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = ListenAddress("127.0.0.1", other.getsockname()[1], named=False)
            gate = Gate(one_target_snapshot(Limits(), 443), DialSettings(), DnsSettings(), ParentSettings(), [])
            gate.listen([taken, ListenAddress("127.0.0.1", 0, named=False)])
            assert len(gate.listeners) == 1
            assert gate.listeners[0].port != taken.port
            (line,) = caplog.records
            assert str(taken) in line.getMessage()
            gate.close()

            gate = Gate(one_target_snapshot(Limits(), 443), DialSettings(), DnsSettings(), ParentSettings(), [])
            with pytest.raises(ListenError, match="all of them were left out"):
                gate.listen([taken])
            assert "another program" in caplog.records[-1].getMessage()
            gate.close()

    run(main())


def test_a_default_address_is_not_left_out_in_the_place_of_a_listener() -> None:
    async def main() -> None:
        async with run_gate() as running:
            gate, port = running.gate, running.gate.listeners[0].port
            with socket.create_server(("127.0.0.2", port)):
                everywhere = ListenAddress("0.0.0.0", port, named=False)
                with pytest.raises(ListenError, match="another program"):
                    gate.listen([everywhere, LOOPBACK_2])
            assert [listener.port for listener in gate.listeners] == [port]
            await running.open_tunnel()

    run(main())


def test_clients_that_wait_at_a_listener_that_goes_are_served() -> None:
    async def main() -> None:
        async with run_gate() as running:
            client = running.connect(connect_head(443))  # the gate accepts it at its next turn
            running.gate.listen([LOOPBACK_2])
            far = await running.upstream.accept()
            assert await receive(client, 12) == b"HTTP/1.1 200"
            far.close()

    run(main())


def test_each_of_several_listeners_without_a_port_keeps_its_settings() -> None:
    async def main() -> None:
        async with run_gate() as running:
            balanced = ListenAddress("127.0.0.1", 0, proxy_protocol_from=(ip_network("127.0.0.0/8"),))
            running.gate.listen([LOOPBACK, balanced])
            ports = [listener.port for listener in running.gate.listeners]
            running.gate.listen([LOOPBACK, balanced])
            assert [listener.port for listener in running.gate.listeners] == ports
            assert [listener.is_balancer("127.0.0.1") for listener in running.gate.listeners] == [False, True]
            running.gate.listen([LOOPBACK])
            assert [listener.port for listener in running.gate.listeners] == ports[:1]

    run(main())


def test_the_gates_own_listeners_are_never_dialled() -> None:
    async def main() -> None:
        with contextlib.closing(LoopUpstream()) as upstream:
            running = RunningGate(upstream, one_target_snapshot(Limits(), 443))
            running.open(ListenAddress("0.0.0.0", 0))
            port = running.gate.listeners[0].port
            dialer = running.gate._context.dialer
            assert isinstance(dialer, Dialer)
            dialer.connect_to.clear()
            running.gate.adopt(one_target_snapshot(Limits(), port))
            dialer.resolver._ask = once(lambda name: Resolved(("127.0.0.1",)))
            client = running.connect(connect_head(port))
            assert (await receive(client)).startswith(b"HTTP/1.1 502 target_is_gate")
            client.close()
            running.gate.close()

    run(main())
