"""The health of a running gate: on its admin port, on a proxy port, and by the command."""

import signal
import sys
import threading
from pathlib import Path

from support.admin_client import ANY_PORT, ENDED_TOTAL, admin_port, get_page, get_page_until, scrape, scrape_until
from support.gate import ANYTHING, COMMAND, Gate, cisco_at, gate_settings
from support.licensing_exchange import HOST, REFUSING_HOST, TARGET
from support.programs import run
from support.raw_client import dial, end_well, open_tunnel, read_answer, read_to_end
from support.standin import StandIn
from support.upstream import Upstream, closed_port, read_nothing


def test_simultaneous_upstreamz_requests_dial_each_target_once(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        places = (f"{TARGET}:127.0.0.1:{upstream.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
        only = '[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "tools.cisco.com"\n'
        only += f'[[allowlist.rule]]\nhost = "{REFUSING_HOST}"\n'
        with Gate(tmp_path, gate_settings(*places, admin=ANY_PORT, more=only)) as gate:
            assert get_page(gate, "/readyz").json == {"status": "ready", "listeners": [f"127.0.0.1:{gate.port}"]}
            assert upstream.connections == 0, "no request, no dial"

            asking = [threading.Thread(target=get_page, args=(gate, "/upstreamz")) for _ in range(8)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            shown = get_page(gate, "/upstreamz")

            assert upstream.connections == 1
            assert (shown.status, shown.json["status"]) == (503, "not_reached")
            reached, refusing = shown.json["targets"]
            assert (reached["target"], reached["reached"]) == (TARGET, True)
            assert (refusing["reached"], refusing["outcome"]) == (False, "connection_refused")
            assert refusing["sentence"].startswith(f"{REFUSING_HOST}:443 refused the connection")
            assert get_page(gate, "/readyz").status == 200, "readiness does not depend on targets"
            assert scrape(gate).value(ENDED_TOTAL) == 0, "a probe is no tunnel"
            assert gate.records() == []


def test_upstreamz_does_not_dial_a_target_that_a_tunnel_reached(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        only = '[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "tools.cisco.com"\n'
        place = f"{TARGET}:127.0.0.1:{upstream.port}"
        with Gate(tmp_path, gate_settings(place, admin=ANY_PORT, more=only + ANYTHING)) as gate:
            open_tunnel(gate).close()
            scrape_until(gate, lambda series: series.value(ENDED_TOTAL) == 1)

            shown = get_page(gate, "/upstreamz")

            assert (shown.status, shown.json["status"]) == (200, "reached")
            assert upstream.accepted(1) == 1, "the tunnel"


def test_with_probe_every_a_gate_without_targets_can_be_unready(
    tmp_path: Path,
) -> None:
    places = [f"{host}:443:127.0.0.1:{closed_port()}" for host in (HOST, REFUSING_HOST, "api.cisco.com")]
    settings = gate_settings(*places, admin=ANY_PORT, more='[probe]\nevery = "10s"\n')
    settings = settings.replace("[admin]", "[admin]\nready_needs_upstream = true")
    with Gate(tmp_path, settings) as gate:
        series = scrape_until(gate, lambda series: "licensegate_target_reached{" in series.text)
        assert series.value("licensegate_target_reached") == 0

        shown = get_page(gate, "/readyz")
        assert (shown.status, shown.json["status"]) == (503, "no_upstream")
        assert get_page(gate, "/healthz").status == 200


def test_a_draining_gate_is_alive_and_not_ready(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        settings = cisco_at(upstream.port, admin=ANY_PORT, more=ANYTHING)
        with Gate(tmp_path, settings) as gate:
            tunnel = open_tunnel(gate)
            assert get_page(gate, "/readyz").status == 200
            gate.send(signal.SIGTERM)

            shown = get_page_until(gate, "/readyz", lambda page: page.status == 503)

            assert shown.json == {"status": "draining", "listeners": []}
            assert get_page(gate, "/healthz").status == 200
            assert scrape(gate).value("licensegate_draining") == 1
            tunnel.close()
            gate.await_end()


def test_healthz_on_a_proxy_port_is_counted_and_not_logged(watched: Gate) -> None:
    for request in (b"GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n", b"HEAD /healthz HTTP/1.0\r\n\r\n"):
        with dial(watched) as connection:
            connection.sendall(request)
            answer = read_answer(connection) if request.startswith(b"GET") else None
            assert answer is None or (answer.status, read_to_end(connection)) == (200, b"ok\n")
            if answer is None:
                assert read_to_end(connection).startswith(b"HTTP/1.1 200 OK\r\n")
            end_well(connection)
    dial(watched).close()

    series = scrape_until(
        watched,
        lambda series: (
            series.value("licensegate_health_answers_total") == 2
            and series.value("licensegate_empty_connections_total") == 1
        ),
    )
    assert series.value(ENDED_TOTAL) == 0
    assert watched.records() == []
    assert get_page(watched, "/api/clients").json["clients"] == []


def test_the_health_command_checks_a_running_gate(watched: Gate) -> None:
    url = f"http://127.0.0.1:{admin_port(watched)}"

    healthy = run(COMMAND, "health", "--url", url)
    assert (healthy.returncode, healthy.stdout) == (0, '200 {"status":"ok"}\n')
    assert run(COMMAND, "health", "--url", f"{url}/", "readyz").returncode == 0
    failing = run(COMMAND, "health", "--url", url, "upstreamz")
    assert (failing.returncode, failing.stdout) == (1, "")
    assert "connection_refused" in failing.stderr
    assert run(COMMAND, "health", "--url", watched.url).returncode == 0, "a proxy port answers healthz too"
    assert run(COMMAND, "health", "--url", watched.url, "readyz").returncode == 1
    assert run(COMMAND, "health", "--url", f"http://127.0.0.1:{closed_port()}").returncode == 1
    assert run(COMMAND, "health", "--url", "gate").returncode == 2


def test_the_health_command_reads_the_settings_and_imports_little(tmp_path: Path, standin: StandIn) -> None:
    port = closed_port()
    with Gate(tmp_path, gate_settings(admin=f"0.0.0.0:{port}")) as gate:
        assert run(COMMAND, "health", "--config", gate.settings).returncode == 0
        assert run(COMMAND, "health", LICENSEGATE_CONFIG=str(gate.settings)).returncode == 0
        program = (
            "import sys; from licensegate.app.cli import main; "
            f"main(['health', '--config', {str(gate.settings)!r}]); "
            "print(*{'aiohttp', 'asyncio', 'cryptography', 'prometheus_client'} & set(sys.modules))"
        )
        done = run(sys.executable, "-c", program)
        assert done.stdout.splitlines()[-1] == ""
