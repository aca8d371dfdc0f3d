"""What needs attention, and in which order."""

from datetime import timedelta

import pytest
from msgspec import structs

from licensegate.app.overview.attention import attention
from licensegate.app.overview.clients import ClientRow
from licensegate.app.overview.gate_summary import GateSummary, LedgerSummary
from licensegate.app.overview.overview import headline, worst_level
from licensegate.app.overview.targets import TargetRow
from licensegate.app.overview.words import LevelName
from licensegate.language.language import ENGLISH, JAPANESE
from licensegate.products.no_answer import NoAnswerReason
from support.records import NOON

LEDGER = LedgerSummary(state="working", state_word="", place="/ledger")
GATE = GateSummary(
    version="1",
    state="ready",
    state_word="",
    started=NOON,
    listeners=["0.0.0.0:3128"],
    connections=1,
    connections_limit=100,
    waiting=0,
    tunnels=1,
    mode="enforce",
    rules=3,
    certificate_ends=NOON + timedelta(days=300),
    settings="gate.toml",
    log_lines_dropped={"access": 0},
    ledger=LEDGER,
)
TARGET = TargetRow(target="a.example:443", level="critical", level_word="", reached=False, state="", sentence="Gone.")


def client(name: str, level: LevelName, *, days: int | None = None, named: bool = True) -> ClientRow:
    """A client of this level, whose licences may be blocked in so many days."""
    return ClientRow(
        key=f"named:{name}",
        kind="named" if named else "address",
        kind_word="",
        name=name,
        level=level,
        level_word="",
        enforced=None if days is None else NOON + timedelta(days=days),
    )


def codes(gate: GateSummary) -> list[str]:
    return [row.code for row in attention(gate, [], [], {}, [], ENGLISH, NOON)]


def test_a_healthy_gate_needs_no_attention() -> None:
    found = attention(
        GATE, [structs.replace(TARGET, level="ok", reached=True)], [client("a", "ok")], {}, [], ENGLISH, NOON
    )

    assert (found, worst_level(found), headline(found, ENGLISH)) == ([], "ok", "Everything is all right.")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "not_accepting"}, "gate_not_accepting"),
        ({"state": "draining"}, "gate_draining"),
        ({"tunnels": 81}, "gate_nearly_full"),
        ({"tunnels": 100}, "gate_full"),
        ({"certificate_ends": NOON - timedelta(days=1)}, "gate_certificate_expired"),
        ({"certificate_ends": NOON + timedelta(days=29)}, "gate_certificate_expires"),
        ({"mode": "report"}, "allowlist_reports"),
        ({"rules": 0}, "no_targets"),
        ({"log_lines_dropped": {"access": 7}}, "log_lines_lost"),
        ({"ledger": structs.replace(LEDGER, state="failing")}, "ledger_fails"),
        ({"ledger": structs.replace(LEDGER, state="off")}, "no_ledger"),
        ({"ledger": structs.replace(LEDGER, dropped=3)}, "ledger_loses"),
    ],
)
def test_each_trouble_of_the_gate_has_its_row(changes: dict[str, object], code: str) -> None:
    gate = structs.replace(GATE, **changes)

    assert codes(gate) == [code]
    for language in (ENGLISH, JAPANESE):
        (row,) = attention(gate, [], [], {}, [], language, NOON)
        assert row.sentence
        assert row.remedy
        assert "{" not in row.sentence + row.remedy


def test_the_most_urgent_comes_first_then_the_earliest_date() -> None:
    clients = [client("b", "warning"), client("c", "critical", days=9), client("d", "critical", days=2)]

    found = attention(GATE, [TARGET], clients, {}, ["tls.key is old"], ENGLISH, NOON)

    assert [row.name or row.sentence for row in found] == ["d", "c", "a.example:443", "b", "Tls.key is old."]
    assert headline(found, ENGLISH) == "5 things need attention."


def test_a_date_that_comes_near_says_why_the_last_contact_failed() -> None:
    late = structs.replace(client("a", "warning"), sentence="It ends on Friday.", finding_sentence="It is refused.")
    (found,) = attention(GATE, [], [late], {}, [], ENGLISH, NOON)
    assert found.sentence == "It ends on Friday. Its last failure: It is refused."

    refused = structs.replace(late, sentence="It is refused.")
    (found,) = attention(GATE, [], [refused], {}, [], ENGLISH, NOON)
    assert found.sentence == "It is refused."


def test_a_client_leads_to_its_page_and_a_target_does_not() -> None:
    about_target, about_client = attention(GATE, [TARGET], [client("b", "warning")], {}, [], ENGLISH, NOON)

    assert (about_target.key, about_client.key) == ("", "named:b")


def test_only_a_named_client_that_is_not_known_is_mentioned() -> None:
    found = attention(GATE, [], [client("a", "unknown"), client("b", "unknown", named=False)], {}, [], ENGLISH, NOON)

    assert [(row.name, row.code) for row in found] == [("a", "client_never_seen")]
    assert headline(found, ENGLISH) == "Nothing is wrong; something is not known."


def test_a_product_that_does_not_answer_is_told_with_its_remedy() -> None:
    for language in (ENGLISH, JAPANESE):
        (row,) = attention(GATE, [], [], {"cucm": NoAnswerReason.LOGIN_REFUSED}, [], language, NOON)
        assert (row.level, row.code, row.key) == ("warning", "product_login_refused", "named:cucm")
        assert "cucm" in row.sentence
        assert row.remedy
