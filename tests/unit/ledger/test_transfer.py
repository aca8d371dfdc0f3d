"""A ledger as JSON lines, there and back."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.ledger.entries import LONGEST_TEXT, LedgerEntry
from licensegate.ledger.transfer import TransferError, export_lines, imported_entries
from support.ledger_entries import any_entry, by_hand, kept_text, success

HEADER = b'{"ledger":"licensegate","schema":3}\n'


def imported(*lines: bytes) -> list[LedgerEntry]:
    return list(imported_entries(io.BytesIO(b"".join(lines))))


@given(st.lists(any_entry, max_size=10))
def test_an_export_is_imported_as_it_was(entries: list[LedgerEntry]) -> None:
    assert imported(*export_lines(entries)) == entries


def test_an_export_is_for_people_too() -> None:
    header, _, contact, hour = export_lines(success())

    assert header == HEADER
    assert contact == (
        b'{"kind":"contact","client":{"kind":"named","name":"CUCM-PUB Tokyo"},"target":"tools.cisco.com:443",'
        b'"first_success":"2026-03-02T12:00:00Z","last_success":"2026-03-02T12:00:00Z"}\n'
    )
    assert hour.startswith(b'{"kind":"hour"')


@pytest.mark.parametrize("schema", [1, 2])
def test_an_export_of_an_earlier_release_is_imported(schema: int) -> None:
    lines = list(export_lines(success()))[1:]

    assert imported(b'{"ledger":"licensegate","schema":%d}\n' % schema, *lines) == success()


def test_the_longest_text_is_imported() -> None:
    text = kept_text("\x1b" * LONGEST_TEXT)

    assert imported(*export_lines([text])) == [text]


def test_a_null_that_is_only_spelled_is_no_null() -> None:
    spelled: list[LedgerEntry] = [by_hand(note="\\u0000"), kept_text("\\u0000 \\\\u0000")]

    assert imported(*export_lines(spelled)) == spelled


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        pytest.param([], "line 1 is not the beginning", id="nothing"),
        pytest.param([b"SQLite format 3\0"], "line 1 is not the beginning", id="a database"),
        pytest.param([b'{"kind":"day"}\n'], "line 1 is not the beginning", id="no header"),
        pytest.param([b'{"ledger":"licensegate","schema":4}\n'], "a newer release wrote it, with schema 4", id="newer"),
        pytest.param(
            [HEADER, b'{"kind":"week"}\n'], "line 2 is not an entry of a ledger: Invalid value 'week'", id="kind"
        ),
        pytest.param([HEADER, b"\n"], "line 2 is not an entry", id="an empty line"),
        pytest.param([HEADER, b'\xff{"kind":"day"}\n'], "line 2 is not an entry", id="no UTF-8"),
        pytest.param([HEADER, *list(export_lines(success()))[1:], b'{"kind":"da'], "line 5 is cut off", id="cut off"),
        pytest.param(
            [HEADER, next(iter(list(export_lines(success()))[1:])).replace(b'"connections":1', b'"connections":-1')],
            "line 2 is not an entry of a ledger: Expected `int` >= 0",
            id="a negative count",
        ),
        pytest.param(
            [HEADER, list(export_lines(success()))[3].replace(b"Z", b"")],
            "line 2 is not an entry of a ledger: Expected `datetime` with a timezone component",
            id="a time without a zone",
        ),
        pytest.param([HEADER, *list(export_lines([by_hand(note="a\0b")]))[1:]], "line 2 has a character", id="a null"),
    ],
)
def test_what_is_no_export_is_refused_with_its_line(lines: list[bytes], fault: str) -> None:
    with pytest.raises(TransferError, match=fault):
        imported(*lines)
