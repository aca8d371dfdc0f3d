"""Answers in a pipe: columns that a program can count on."""

import re

import pytest
from rich.cells import cell_len

from licensegate.app.screen.changes import change_list
from licensegate.app.screen.clients import client_list
from licensegate.app.screen.plain import plain_text
from licensegate.app.screen.refusals import refusal_list
from licensegate.app.screen.rules import rule_list
from licensegate.app.screen.status import status
from licensegate.app.screen.tables import Block, TextTable
from licensegate.app.screen.tunnels import tunnel_list
from licensegate.app.screen.values import Values
from licensegate.language.language import ENGLISH, JAPANESE
from support import overview_answers as answers

STABLE = Values(ENGLISH, answers.NOW, for_people=False)
LISTS: dict[str, list[Block]] = {
    "clients": client_list(answers.client_list(), STABLE),
    "refusals": refusal_list(answers.refusal_list(), STABLE),
    "changes": change_list(answers.change_list(), STABLE),
    "rules": rule_list(answers.rule_list(), STABLE),
    "tunnels": tunnel_list(answers.tunnel_list(), STABLE),
}


def columns(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


@pytest.mark.parametrize("name", LISTS)
def test_every_line_has_every_column(name: str) -> None:
    (table,) = LISTS[name]
    assert isinstance(table, TextTable)
    headings, *lines = plain_text([table]).splitlines()
    assert columns(headings) == [column.heading for column in table.columns]
    assert {len(columns(line)) for line in lines} == {len(table.columns)}
    assert len(lines) == len(table.rows)


def test_values_are_those_that_programs_read() -> None:
    _, first, second = plain_text(LISTS["rules"]).splitlines()
    assert columns(first) == ["tools.cisco.com:443", "12", "cisco-licensing", "-"]
    assert columns(second) == [
        "ssm.example.net:8443",
        "0",
        "-",
        "user svc, 10.1.0.0/16, certificate ssm, report-only mode",
    ]
    _, refused = plain_text(LISTS["changes"]).splitlines()
    assert columns(refused) == [
        "2026-03-02T12:00:00Z", "reload", "refused", "uid 0 (root, process 815)",
        "reload requested by uid 0 (root, process 815) refused: gate.toml: limits.tunnels: 0 is not a number",
    ]  # fmt: skip
    _, tunnel = plain_text(LISTS["tunnels"]).splitlines()
    assert columns(tunnel) == [
        "2001:db8::7", "tools.cisco.com:443", "relaying", "192", "6122", "1234567", "[2001:db8::7]:40112", "-",
        "Java/17.0.13", answers.TUNNELS[0]["id"],
    ]  # fmt: skip
    _, refused = plain_text(LISTS["refusals"]).splitlines()
    assert refused.startswith("2026-03-02T11:55:00Z  CUCM ship  smartreceiver.cisco.com:443  target_in_preset  certain")
    _, first, _ = plain_text(LISTS["clients"]).splitlines()
    assert columns(first)[:6] == [
        "warning", "CUCM ship", "2025-12-17T09:00:00Z", "2026-03-17", "authorization", "2026-06-15",
    ]  # fmt: skip


def test_an_empty_list_has_its_headings_alone() -> None:
    text = plain_text(refusal_list(answers.refusal_list(refusals=[]), STABLE))
    assert text.startswith("Time  Client  Target  Finding")
    assert text.count("\n") == 1


def test_hostile_text_stays_in_its_column() -> None:
    hostile = {**answers.TUNNELS[0], "program": "evil\x1b[2J\n   two  blanks\u202e"}
    _, line = plain_text(tunnel_list(answers.tunnel_list(tunnels=[hostile]), STABLE)).splitlines()
    assert columns(line)[-2] == "evil\\x1b[2J\\n two blanks\\u202e"


def test_the_overview_has_its_parts_in_a_fixed_order() -> None:
    parts = plain_text(status(answers.overview(), STABLE)).split("\n\n")
    assert [part.splitlines()[0] for part in parts] == [
        "2 things need attention.",
        "Needs attention",
        "The gate",
        "Targets",
        "Clients",
        "Last refusals and failures",
        "Live tunnels",
    ]
    quiet = answers.overview(attention=[], refusals=[], tunnels=[], clients=[], targets=[], level="ok")
    assert len(plain_text(status(quiet, STABLE)).split("\n\n")) == len(parts)


def test_japanese_columns_stand_below_each_other() -> None:
    values = Values(JAPANESE, answers.NOW, for_people=False)
    headings, first, second = plain_text(client_list(answers.client_list(), values)).splitlines()
    assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", headings)
    place = cell_len(first[: first.index("CUCM ship")])
    assert cell_len(second[: second.index("10.20.30.41")]) == place
    assert len(columns(headings)) == len(columns(first)) == len(columns(second))
