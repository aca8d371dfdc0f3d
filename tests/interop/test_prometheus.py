"""A real Prometheus scrapes a real gate: the rules, the example configuration, and every query of the dashboard."""

import contextlib
import json
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from licensegate.records.outcome import Outcome, Stage
from support.authority import Authority
from support.exchange import MESSAGE, REFUSING_HOST, TARGET, URL
from support.gate import Gate, gate_settings
from support.programs import run
from support.prometheus import Prometheus
from support.raw_client import ask, dial, end_well, open_tunnel
from support.requirements import require_command
from support.standin import StandIn
from support.upstream import closed_port
from support.watching import ANY_PORT, admin_port

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = DEPLOY.parent / "docs" / "monitoring.md"
RULES = DEPLOY / "prometheus" / "licensegate.rules.yml"
RULES_TESTS = DEPLOY / "prometheus" / "licensegate.rules.test.yml"
EXAMPLE = DEPLOY / "prometheus" / "scrape.example.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "licensegate.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())

ENDED = "licensegate_connections_ended_total"
SHOWN_SECONDS = 60
INSTANCE = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
VARIABLES = {"$instance": ".*", "$__rate_interval": f"{SHOWN_SECONDS}s", "$__range": f"{SHOWN_SECONDS}s"}
"""What Grafana puts in their place, for all gates and the last minute."""

REPORTED = """
[[allowlist.rule]]
host = "localhost"
port = {port}
private = true
report = true
"""
TRAFFIC = {
    "closed_by_client": 1,
    "client_left_in_inner_hello": 1,
    "connection_refused": 1,
    "target_not_allowed": 1,
    "method_not_allowed": 1,
}
"""How the connections of a round of traffic end."""


class Watched(Struct, frozen=True):
    """A gate that has seen traffic, and the Prometheus that scrapes it, and another address where there is no gate."""

    gate: Gate
    prometheus: Prometheus
    instance: str
    missing: str


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with contextlib.ExitStack() as stack:
        standin = stack.enter_context(StandIn(authority))
        places = (f"{TARGET}:127.0.0.1:{standin.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
        settings = gate_settings(*places, admin=ANY_PORT, more=REPORTED.format(port=standin.port))
        gate = stack.enter_context(Gate(folder, settings))
        instance, missing = f"127.0.0.1:{admin_port(gate)}", f"127.0.0.1:{closed_port()}"
        prometheus = stack.enter_context(Prometheus(installed(folder, instance, missing)))
        made = Watched(gate, prometheus, instance, missing)
        for times in (1, 2):  # a rate is seen only of what was there before
            bring_traffic(gate, standin, authority)
            scraped = f"sum({ENDED}) == {times * sum(TRAFFIC.values())}"
            prometheus.until(partial(prometheus.values, scraped))
        prometheus.until(lambda: len(prometheus.get("alerts")["alerts"]) >= 2)
        yield made


def installed(folder: Path, *instances: str) -> Path:
    """The example as it would be installed, for these gates and in more of a hurry."""
    (folder / RULES.name).write_bytes(RULES.read_bytes())
    text = EXAMPLE.read_text()
    for there, here in {"30s": "1s", "gate.example.net:9130": "\n          - ".join(instances)}.items():
        assert there in text
        text = text.replace(there, here)
    settings = folder / "prometheus.yml"
    settings.write_text(text)
    return settings


def bring_traffic(gate: Gate, standin: StandIn, authority: Authority) -> None:
    """Connections that end as TRAFFIC says, a health check, and one that says nothing."""
    way = ("--silent", "--show-error", "--proxy", gate.url, "--cacert", authority.root)
    done = run(require_command("curl", "curl"), *way, "--data-binary", "@-", URL, stdin=MESSAGE)
    assert '"stand_in": true' in done.stdout, done.stderr
    end_well(open_tunnel(gate, f"CONNECT localhost:{standin.port} HTTP/1.1\r\n\r\n".encode()))
    for request, status in {
        f"CONNECT {REFUSING_HOST}:443 HTTP/1.1\r\n\r\n": 502,
        "CONNECT webex.example:443 HTTP/1.1\r\n\r\n": 403,
        "GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n": 405,
        "GET /healthz HTTP/1.1\r\nHost: gate.example\r\n\r\n": 200,
    }.items():
        assert ask(gate, request.encode()).status == status
    dial(gate).close()


def all_queries() -> Iterator[tuple[str, Any]]:
    """Each query of the dashboard, after the title of the panel that it is for."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target


def queries() -> Iterator[Any]:
    """The same for a test that tries each."""
    for title, target in all_queries():
        yield pytest.param(target, id=f"{title} {target['refId']}")


def filled_in(query: str) -> str:
    """The query as Grafana would send it."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def test_the_rules_hold_in_the_cases_that_are_written_down() -> None:
    tested = run(require_command("promtool", "prometheus"), "test", "rules", RULES_TESTS)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_case_in_which_it_comes_and_one_in_which_it_does_not(alert: str) -> None:
    text = RULES_TESTS.read_text()
    cases = re.split(r"(?=- expr: ALERTS|- alertname: )", text)
    about = [case for case in cases if re.match(rf'- (expr: ALERTS{{alertname="|alertname: ){alert}\b', case)]

    assert {"exp_" in case for case in about} == {True, False}


@pytest.mark.parametrize("stage", sorted({outcome.stage for outcome in Outcome}))
def test_the_dashboard_shows_what_ended_in_every_stage(stage: Stage) -> None:
    chosen = "|".join(re.findall(r'stage=~?"([a-z_|]+)"', " ".join(target["expr"] for _, target in all_queries())))

    assert stage in chosen.split("|")


def test_the_page_names_every_alert_with_its_severity() -> None:
    rows = re.findall(r"^\| `(LicenseGate\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    rules = re.findall(r"- alert: (\w+).*?severity: (\w+)", RULES.read_text(), re.DOTALL)

    assert rows == rules


def test_the_example_is_a_configuration_that_names_the_rules() -> None:
    checked = run(require_command("promtool", "prometheus"), "check", "config", EXAMPLE)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 rule files found" in checked.stdout
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_what_the_gate_counted_is_what_prometheus_has(watched: Watched) -> None:
    found = watched.prometheus.get("query", query=f"sum by (outcome, instance) ({ENDED})")["result"]

    counts = {series["metric"]["outcome"]: int(series["value"][1]) for series in found}
    assert counts == {outcome: 2 * count for outcome, count in TRAFFIC.items()}
    assert {series["metric"]["instance"] for series in found} == {watched.instance}
    assert watched.prometheus.values(f'up{{instance="{watched.instance}"}}') == [1]


def test_every_rule_is_loaded_and_can_be_asked(watched: Watched) -> None:
    (group,) = watched.prometheus.get("rules")["groups"]

    assert [rule["name"] for rule in group["rules"]] == ALERTS
    assert [rule for rule in group["rules"] if rule["health"] != "ok"] == []


def test_every_metric_that_a_rule_asks_for_is_one_that_the_gate_has(watched: Watched) -> None:
    (group,) = watched.prometheus.get("rules")["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"\b(?:licensegate|process)_\w+", rule["query"])}

    assert asked
    assert asked <= set(watched.prometheus.get("label/__name__/values"))


def test_the_gate_that_is_not_there_and_the_target_that_refuses_are_all_that_is_wrong(watched: Watched) -> None:
    alerts = watched.prometheus.get("alerts")["alerts"]

    assert {alert["annotations"]["summary"] for alert in alerts} == {
        f"LicenseGate at {watched.missing} does not answer",
        f"{REFUSING_HOST}:443 cannot be reached from LicenseGate at {watched.instance}",
    }


@pytest.mark.parametrize("target", [*queries()])
def test_the_dashboard_has_something_to_show(watched: Watched, target: dict[str, Any]) -> None:
    query = filled_in(target["expr"])
    assert "$" not in query

    if target["instant"]:
        values = watched.prometheus.values(query)
    else:
        values = [value for line in watched.prometheus.lines(query, SHOWN_SECONDS) for value in line]

    assert any(math.isfinite(value) for value in values), query
    if ENDED in query:
        assert max(values) > 0, query


def test_the_dashboard_offers_every_gate_to_choose_from(watched: Watched) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    asked = INSTANCE.fullmatch(variable["query"]["query"])
    assert asked is not None

    offered = watched.prometheus.get(f"label/{asked['label']}/values", **{"match[]": asked["series"]})

    assert set(offered) == {watched.instance, watched.missing}


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


def test_no_panel_of_the_dashboard_covers_another() -> None:
    covered = [
        (place["x"] + right, place["y"] + down)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for right in range(place["w"])
        for down in range(place["h"])
    ]

    assert len(set(covered)) == len(covered)
    assert max(x for x, _ in covered) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
