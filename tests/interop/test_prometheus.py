"""A real Prometheus scrapes a real gate: the rules, the example configuration, and every query of the dashboard."""

import contextlib
import json
import math
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ProductEntry
from licensegate.ledger.transfer import export_lines
from licensegate.licensing.limits import all_limits
from licensegate.records.outcome import Outcome, Stage
from support.admin_client import ANY_PORT, admin_port, get_page
from support.authority import Authority
from support.gate import COMMAND, Gate, gate_settings
from support.licensing_exchange import HOST, MESSAGE, REFUSING_HOST, TARGET
from support.programs import run, run_within
from support.prometheus import Prometheus
from support.raw_client import ask, dial, end_well, open_tunnel, read_to_end, secured
from support.requirements import require_command
from support.standin import CALL_HOME_PATH, StandIn
from support.upstream import closed_port

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = DEPLOY.parent / "docs" / "monitoring.md"
RULES = DEPLOY / "prometheus" / "licensegate.rules.yml"
RULES_TESTS = [DEPLOY / "prometheus" / f"licensegate.{part}.test.yml" for part in ("rules", "days")]
EXAMPLE = DEPLOY / "prometheus" / "scrape.example.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "licensegate.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())

ENDED = "licensegate_connections_ended_total"
SHOWN_SECONDS = 60
INSTANCE = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
VARIABLES = {"$instance": ".*", "$__rate_interval": f"{SHOWN_SECONDS}s", "$__range": f"{SHOWN_SECONDS}s"}
"""The values that Grafana would fill in, for all gates and the last minute."""

REPORTED = """
[[allowlist.rule]]
host = "localhost"
port = {port}
private = true
report = true
"""
CLIENTS = """
[[client]]
name = "CUCM"
networks = ["127.0.0.1"]
product = "CUCM"

[[client]]
name = "Satellite"
product = "SSM"

[[product]]
client = "CUCM"
address = "localhost:{port}"
username = "reader"
password_file = "axl.password"
"""
TRAFFIC = {
    "closed_by_client": 1,
    "client_left_in_inner_hello": 1,
    "connection_refused": 1,
    "target_not_allowed": 1,
    "method_not_allowed": 1,
}
"""The outcomes of one round of traffic, with their counts."""


class Scraped(Struct, frozen=True):
    """A gate after traffic, the Prometheus that scrapes it, and a second target without a gate."""

    gate: Gate
    prometheus: Prometheus
    instance: str
    missing: str


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("watched")
    with contextlib.ExitStack() as stack:
        standin = stack.enter_context(StandIn(authority))
        places = (f"{TARGET}:127.0.0.1:{standin.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
        looks = f'[state]\ndirectory = "."\n[probe]\nhandshake = "off"\nroots = "{authority.root}"\n'
        reported = REPORTED.format(port=standin.port)
        settings = gate_settings(*places, admin=ANY_PORT, more=looks + reported + CLIENTS.format(port=standin.port))
        (folder / "axl.password").write_text("secret")
        gate = Gate(folder, settings)
        record_by_hand(gate.settings)
        import_answer(gate.settings)
        stack.enter_context(gate)
        looked = run(COMMAND, "probe", "--config", gate.settings, TARGET)
        assert looked.returncode == 0, looked.stdout + looked.stderr
        instance, missing = f"127.0.0.1:{admin_port(gate)}", f"127.0.0.1:{closed_port()}"
        prometheus = stack.enter_context(Prometheus(installed(folder, instance, missing)))
        made = Scraped(gate, prometheus, instance, missing)
        for times in (1, 2):  # a rate needs an earlier sample
            bring_traffic(gate, standin)
            expected = f"sum({ENDED}) == {times * sum(TRAFFIC.values())}"
            prometheus.until(partial(prometheus.values, expected))
        prometheus.until(lambda: len(prometheus.get("alerts")["alerts"]) >= 2)
        yield made


def record_by_hand(settings: Path) -> None:
    """Give the named clients a rhythm, and the satellite a login."""
    now = datetime.now(UTC)
    times = [(now - timedelta(hours=hours)).isoformat() for hours in (2, 4, 6, 8, 10)]
    commands = [("CUCM", "--at", time) for time in times] + [("Satellite", "--at", time) for time in times]
    for command in (*commands, ("Satellite", "--login")):
        done = run(COMMAND, "contact", "record", "--config", settings, *command)
        assert done.returncode == 0, done.stderr


def import_answer(settings: Path) -> None:
    """Give the ledger an answer of a product: the gate asks first a minute after its start."""
    now = datetime.now(UTC)
    client = ClientKey(ClientKind.NAMED, "CUCM")
    said = ProductEntry(client=client, said=now, authorization_ends=now + timedelta(days=80))
    done = run(COMMAND, "ledger", "import", "--config", settings, stdin=b"".join(export_lines([said])))
    assert done.returncode == 0, done.stderr


def installed(folder: Path, *instances: str) -> Path:
    """The example configuration for these gates, with a shorter scrape interval."""
    (folder / RULES.name).write_bytes(RULES.read_bytes())
    text = EXAMPLE.read_text()
    for there, here in {"30s": "1s", "gate.example.net:9130": "\n          - ".join(instances)}.items():
        assert there in text
        text = text.replace(there, here)
    settings = folder / "prometheus.yml"
    settings.write_text(text)
    return settings


def bring_traffic(gate: Gate, standin: StandIn) -> None:
    """Make the connections of TRAFFIC, a health check, and a connection without a byte."""
    post_and_end_first(gate)
    end_well(open_tunnel(gate, f"CONNECT localhost:{standin.port} HTTP/1.1\r\n\r\n".encode()))
    for request, status in {
        f"CONNECT {REFUSING_HOST}:443 HTTP/1.1\r\n\r\n": 502,
        "CONNECT webex.example:443 HTTP/1.1\r\n\r\n": 403,
        "GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n": 405,
        "GET /healthz HTTP/1.1\r\nHost: gate.example\r\n\r\n": 200,
    }.items():
        assert ask(gate, request.encode()).status == status
    dial(gate).close()


def post_and_end_first(gate: Gate) -> None:
    """Post the message, and end before the server does: after close_notify, a program may lose that race."""
    post = f"POST {CALL_HOME_PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(MESSAGE)}\r\n\r\n"
    connect = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n"
    with open_tunnel(gate, connect.encode()) as plain, secured(plain, HOST) as tunnel:
        tunnel.sendall(post.encode() + MESSAGE)
        answer = tunnel.recv(65536)
        while b"}" not in answer:
            answer += tunnel.recv(65536)
        assert b'"stand_in": true' in answer
        tunnel.shutdown(socket.SHUT_WR)  # a bare FIN
        read_to_end(tunnel)


def all_queries() -> Iterator[tuple[str, Any]]:
    """Each query of the dashboard, with the title of its panel."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target


def queries() -> Iterator[Any]:
    """The queries as test parameters."""
    for title, target in all_queries():
        yield pytest.param(target, id=f"{title} {target['refId']}")


def filled_in(query: str) -> str:
    """The query as Grafana sends it."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def test_the_rules_pass_their_own_tests() -> None:
    tested = run_within(100, require_command("promtool", "prometheus"), "test", "rules", *RULES_TESTS)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_firing_and_a_silent_case(alert: str) -> None:
    text = "".join(tests.read_text() for tests in RULES_TESTS)
    cases = re.split(r"(?=- expr: ALERTS|- alertname: )", text)
    about = [case for case in cases if re.match(rf'- (expr: ALERTS{{alertname="|alertname: ){alert}\b', case)]

    assert {"exp_" in case for case in about} == {True, False}


@pytest.mark.parametrize("stage", sorted({outcome.stage for outcome in Outcome}))
def test_the_dashboard_shows_every_stage(stage: Stage) -> None:
    chosen = "|".join(re.findall(r'stage=~?"([a-z_|]+)"', " ".join(target["expr"] for _, target in all_queries())))

    assert stage in chosen.split("|")


def test_the_page_lists_every_alert_with_its_severity() -> None:
    rows = re.findall(r"^\| `(LicenseGate\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    rules = re.findall(r"- alert: (\w+).*?severity: (\w+)", RULES.read_text(), re.DOTALL)

    assert rows == rules


def test_the_example_configuration_is_valid_and_loads_the_rules() -> None:
    checked = run(require_command("promtool", "prometheus"), "check", "config", EXAMPLE)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 rule files found" in checked.stdout
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_prometheus_has_the_gates_counts(scraped: Scraped) -> None:
    found = scraped.prometheus.get("query", query=f"sum by (outcome, instance) ({ENDED})")["result"]

    counts = {series["metric"]["outcome"]: int(series["value"][1]) for series in found}
    assert counts == {outcome: 2 * count for outcome, count in TRAFFIC.items()}
    assert {series["metric"]["instance"] for series in found} == {scraped.instance}
    assert scraped.prometheus.values(f'up{{instance="{scraped.instance}"}}') == [1]


def test_every_rule_is_loaded_and_healthy(scraped: Scraped) -> None:
    (group,) = scraped.prometheus.get("rules")["groups"]

    assert [rule["name"] for rule in group["rules"]] == ALERTS
    assert [rule for rule in group["rules"] if rule["health"] != "ok"] == []


def test_rules_use_only_metrics_that_the_gate_has(scraped: Scraped) -> None:
    (group,) = scraped.prometheus.get("rules")["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"\b(?:licensegate|process)_\w+", rule["query"])}
    page = get_page(scraped.gate, "/metrics").body

    assert asked
    assert asked <= set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))


@pytest.mark.parametrize("file", [RULES, DEPLOY / "grafana" / "licensegate.json", PAGE], ids=lambda file: file.name)
def test_a_date_that_a_healthy_product_moves_by_itself_never_counts_down(file: Path) -> None:
    routine = {each.name for each in all_limits() if each.routine}
    left_out = re.findall(r'deadline!~\\?"([a-z_|]+)', file.read_text())

    assert left_out
    assert all(set(names.split("|")) - {"access_token"} == routine for names in left_out)


def test_only_the_missing_gate_and_the_refusing_target_alert(scraped: Scraped) -> None:
    alerts = scraped.prometheus.get("alerts")["alerts"]

    assert {alert["annotations"]["summary"] for alert in alerts} == {
        f"LicenseGate at {scraped.missing} does not answer",
        f"{REFUSING_HOST}:443 cannot be reached from LicenseGate at {scraped.instance}",
    }


@pytest.mark.parametrize("target", [*queries()])
def test_every_dashboard_query_has_data(scraped: Scraped, target: dict[str, Any]) -> None:
    query = filled_in(target["expr"])
    assert "$" not in query

    if target["instant"]:
        values = scraped.prometheus.values(query)
    else:
        values = [value for line in scraped.prometheus.lines(query, SHOWN_SECONDS) for value in line]

    assert any(math.isfinite(value) for value in values), query
    if ENDED in query:
        assert max(values) > 0, query


def test_the_dashboard_offers_every_gate(scraped: Scraped) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    asked = INSTANCE.fullmatch(variable["query"]["query"])
    assert asked is not None

    offered = scraped.prometheus.get(f"label/{asked['label']}/values", **{"match[]": asked["series"]})

    assert set(offered) == {scraped.instance, scraped.missing}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    (wanted,) = DASHBOARD["__inputs"]
    source = {"type": "prometheus", "uid": f"${{{wanted['name']}}}"}

    assert DASHBOARD["id"] is None
    assert "uid" not in DASHBOARD
    sources = [thing["datasource"] for panel in PANELS for thing in (panel, *panel["targets"])]
    sources += [variable["datasource"] for variable in DASHBOARD["templating"]["list"]]
    assert all(one == source for one in sources)
    kinds = {needed["id"] for needed in DASHBOARD["__requires"] if needed["type"] == "panel"}
    assert {panel["type"] for panel in PANELS} == kinds


def test_no_dashboard_panel_covers_another() -> None:
    covered = [
        (place["x"] + right, place["y"] + down)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for right in range(place["w"])
        for down in range(place["h"])
    ]

    assert len(set(covered)) == len(covered)
    assert max(x for x, _ in covered) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
