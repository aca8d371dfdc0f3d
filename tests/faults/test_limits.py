"""More tunnels than the gate or one client may have."""

from pathlib import Path

import pytest

from support.gate import Gate, cisco_at
from support.raw_client import CONNECT, ask, open_tunnel
from support.upstream import Upstream, read_nothing

AT_MOST = 8


@pytest.mark.parametrize(
    ("limit", "status", "outcome"),
    [("tunnels_per_client", 429, "client_tunnels_exhausted"), ("tunnels", 503, "tunnels_exhausted")],
)
def test_a_tunnel_over_the_limit_is_refused_until_another_ends(
    tmp_path: Path, limit: str, status: int, outcome: str
) -> None:
    with Upstream(read_nothing) as upstream:
        settings = cisco_at(upstream.port, more=f"[limits]\n{limit} = {AT_MOST}")
        with Gate(tmp_path, settings) as gate:
            tunnels = [open_tunnel(gate) for _ in range(AT_MOST)]

            answer = ask(gate, CONNECT)

            assert (answer.status, answer.outcome) == (status, outcome)
            assert f"limits.{limit}" in answer.body.decode()
            assert int(answer.fields["Retry-After"]) > 0
            tunnels.pop().close()
            gate.records(2)
            tunnels.append(open_tunnel(gate))
            for tunnel in tunnels:
                tunnel.close()

    assert upstream.connections == AT_MOST + 1
