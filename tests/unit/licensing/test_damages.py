"""Texts that were damaged twice: values may be missing, but none is wrong."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.licensing.agreement import agreed
from licensegate.licensing.read import read
from licensegate.licensing.report import Entitlement, LicenseReport
from licensegate.licensing.text.decode import UnreadableTextError
from support.licence_damages import DAMAGES
from support.licence_texts import NAMES, PRINTED, expected_of, text_of, wrong_values

SEVERE = [
    name
    for name in DAMAGES
    if name.startswith(("wrapped", "pager struck", "pager over"))
    or name
    in ("no indentation", "more indentation", "trailing blanks", "tabs", "twice the empty lines", "coloured keys")
]
"""Those that change the width of lines, or lose the blanks at their edges."""


def wrongly_read(name: str, *damages: str) -> list[object]:
    text = text_of(name)
    for damage in damages:
        text = DAMAGES[damage](text)
    try:
        report = msgspec.to_builtins(read(text.encode()).report)
    except UnreadableTextError:
        return []  # JSON that was wrapped
    return list(wrong_values(report, expected_of(name)))


@pytest.mark.parametrize("name", PRINTED)
def test_a_text_damaged_twice_has_no_wrong_value(name: str) -> None:
    found = {pair: wrongly_read(name, *pair) for pair in itertools.permutations(SEVERE, 2)}

    assert {pair: wrong for pair, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PRINTED])
@pytest.mark.parametrize("damage", DAMAGES)
def test_json_xml_and_tables_damaged_have_no_wrong_value(name: str, damage: str) -> None:
    assert wrongly_read(name, damage) == []


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(list(DAMAGES)), max_size=2, unique=True), st.floats(0, 1))
def test_a_damaged_text_that_is_cut_has_no_wrong_value(name: str, damages: list[str], part: float) -> None:
    text = text_of(name)
    for damage in damages:
        text = DAMAGES[damage](text)
    try:
        report = msgspec.to_builtins(read(text[: int(len(text) * part)].encode()).report)
    except UnreadableTextError:
        return
    wrong = [path for path, _ in wrong_values(report, expected_of(name))]

    assert wrong == []


def test_two_readings_agree_on_what_both_say() -> None:
    one, other = LicenseReport("classic"), LicenseReport("classic")
    one.registration.smart_account, other.registration.smart_account = "Blue Harbour", "BlueHarbour"
    one.registration.virtual_account = other.registration.virtual_account = "Voice"
    one.authorization.deadline = "2026-06-01T10:16:06 IST"
    one.entitlements = [Entitlement("a", "TAG", 1), Entitlement("b", "TAG-2", 2)]
    other.entitlements = [Entitlement("a b", "TAG", 1), Entitlement("b", "TAG-2", 2)]

    both = agreed(one, other)

    assert (both.registration.smart_account, both.registration.virtual_account) == (None, "Voice")
    assert both.authorization.deadline == "2026-06-01T10:16:06 IST"
    assert both.entitlements == [Entitlement(None, "TAG", 1), Entitlement("b", "TAG-2", 2)]
