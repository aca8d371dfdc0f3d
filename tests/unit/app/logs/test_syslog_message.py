"""Syslog messages: the examples of RFC 5424, and what no input can break."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.logs.journal_entry import journal_entry
from licensegate.app.logs.sink import Severity
from licensegate.app.logs.syslog_message import (
    FACILITIES,
    Origin,
    cut,
    line_framed,
    octet_counted,
    rfc3164,
    rfc5424,
)

ORIGIN = Origin(16, "gate.example.net", "licensegate", "77", "access")
AT = datetime(2026, 11, 30, 20, 15, 30, 123456, UTC).timestamp()
PRINTABLE = rb"[!-~]"
MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) "
    rb"(%b{1,255}) (%b{1,48}) (%b{1,128}) (%b{1,32}) "
    rb'(-|(?:\[[!#-<>-\\^-~]{1,32}(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+)(?: (.*))?'
    % ((PRINTABLE,) * 4),
    re.DOTALL,
)
"""The ABNF of RFC 5424 section 6."""

texts = st.text(st.characters(codec="utf-8"), max_size=60) | st.text(st.sampled_from('"\\]=[ \n\0é'), max_size=20)
origins = st.builds(Origin, st.integers(0, 23), texts, texts, texts, texts)


@pytest.mark.parametrize(
    ("origin", "severity", "at", "text", "data", "expected"),
    [
        pytest.param(
            Origin(4, "mymachine.example.com", "su", "-", "ID47"),
            Severity.CRITICAL,
            datetime(2003, 10, 11, 22, 14, 15, 3000, UTC).timestamp(),
            b"'su root' failed for lonvick on /dev/pts/8",
            {},
            b"<34>1 2003-10-11T22:14:15.003000Z mymachine.example.com su - ID47 - 'su root' failed for lonvick on "
            b"/dev/pts/8",
            id="section 6.5, example 1",
        ),
        pytest.param(
            Origin(20, "192.0.2.1", "myproc", "8710", "-"),
            Severity.NOTICE,
            datetime(2003, 8, 24, 12, 14, 15, 3, UTC).timestamp(),
            b"%% It's time to make the do-nuts.",
            {},
            b"<165>1 2003-08-24T12:14:15.000003Z 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
            id="section 6.5, example 2",
        ),
        pytest.param(
            Origin(20, "mymachine.example.com", "evntslog", "-", "ID47"),
            Severity.NOTICE,
            datetime(2003, 10, 11, 22, 14, 15, 3000, UTC).timestamp(),
            b"",
            {
                "exampleSDID@32473": {"iut": "3", "eventSource": "Application", "eventID": "1011"},
                "examplePriority@32473": {"class": "high"},
            },
            b'<165>1 2003-10-11T22:14:15.003000Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" '
            b'eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
            id="section 6.5, example 4",
        ),
        pytest.param(
            Origin(0, "", "", "", ""), Severity.EMERGENCY, 0, b"", {}, b"<0>1 - - - - - -", id="nothing is known"
        ),
        pytest.param(
            ORIGIN,
            Severity.INFO,
            0,
            b"a\nb\0c",
            {"x": {"y": 'quote " backslash \\ bracket ]'}},
            b"<134>1 - gate.example.net licensegate 77 access "
            b'[x y="quote \\" backslash \\\\ bracket \\]"] a#012b#000c',
            id="escapes",
        ),
    ],
)  # fmt: skip
def test_a_message_is_as_the_rfc_has_it(
    origin: Origin, severity: Severity, at: float, text: bytes, data: dict[str, dict[str, str]], expected: bytes
) -> None:
    assert rfc5424(origin, severity, at, text, data) == expected
    assert MESSAGE.fullmatch(expected)


@given(
    origins,
    st.sampled_from(Severity),
    st.floats(0, 4e9),
    st.binary(max_size=60),
    st.dictionaries(texts, st.dictionaries(texts, texts, max_size=3), max_size=3),
)
def test_no_input_leaves_the_grammar_or_the_line(
    origin: Origin, severity: Severity, at: float, text: bytes, data: dict[str, dict[str, str]]
) -> None:
    message = rfc5424(origin, severity, at, text, data)
    found = MESSAGE.fullmatch(message)
    assert found
    assert int(found[1]) == origin.facility * 8 + severity
    assert not re.search(rb"[\x00-\x1f\x7f]", message)
    assert (found[8] or b"").count(b"#") >= sum(byte < 32 or byte == 127 for byte in text)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=60))
def test_printable_text_arrives_as_it_is_and_without_a_mark(text: str) -> None:
    found = MESSAGE.fullmatch(rfc5424(ORIGIN, Severity.INFO, AT, text.encode()))
    assert found
    assert (found[8] or b"").decode() == text


def test_the_older_form_is_that_of_syslog_3() -> None:
    message = rfc3164(ORIGIN, Severity.WARNING, AT, b"a\tb", with_host=False)
    assert re.fullmatch(rb"<132>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d licensegate\[77\]: a#011b", message)
    with_host = rfc3164(ORIGIN, Severity.WARNING, AT, b"a", with_host=True)
    assert b" gate.example.net licensegate[77]: a" in with_host


def test_facilities_have_their_numbers() -> None:
    assert [FACILITIES[name] for name in ("kern", "user", "daemon", "authpriv", "local0", "local7")] == [
        0, 1, 3, 10, 16, 23,
    ]  # fmt: skip


@given(st.text(max_size=40), st.integers(0, 60))
def test_a_message_is_cut_between_two_characters(text: str, most: int) -> None:
    message = text.encode(errors="replace")
    shortened = cut(message, most)
    assert len(shortened) <= most or shortened == message
    assert message.startswith(shortened)
    assert text.encode(errors="replace").decode().startswith(shortened.decode())
    assert len(shortened) > most - 4 or shortened == message


@given(st.lists(st.text(min_size=1, max_size=40), max_size=5))
def test_frames_of_a_stream_can_be_told_apart(texts: list[str]) -> None:
    messages = [rfc5424(ORIGIN, Severity.INFO, AT, text.encode(errors="replace")) for text in texts]
    stream, found = b"".join(map(octet_counted, messages)), []
    while stream:
        length, _, rest = stream.partition(b" ")
        found.append(rest[: int(length)])
        stream = rest[int(length) :]
    assert found == messages
    assert b"".join(map(line_framed, messages)).splitlines() == messages


def test_an_entry_of_the_journal_has_its_priority_and_one_message() -> None:
    entry = journal_entry(ORIGIN, Severity.NOTICE, b'{"a":1}')
    assert entry.splitlines() == [
        b"PRIORITY=5", b"SYSLOG_FACILITY=16", b"SYSLOG_IDENTIFIER=licensegate", b"LICENSEGATE_LOG=access",
        b'MESSAGE={"a":1}',
    ]  # fmt: skip
    assert b"MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n" in journal_entry(ORIGIN, Severity.NOTICE, b"a\nb")
