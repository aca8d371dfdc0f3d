"""DNS messages: what is asked, and what is read from any answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.doctor.path.dns_message import DnsAnswer, query, read_answer

ASKED = query("tools.cisco.com", "A")
QUESTION = ASKED[12:]
POINTER = b"\xc0\x0c"


def record(kind: int, data: bytes, name: bytes = POINTER) -> bytes:
    fixed = (kind.to_bytes(2, "big"), b"\0\1", b"\0\0\0\x3c", len(data).to_bytes(2, "big"))
    return name + b"".join(fixed) + data


def answer(*records: bytes, flags: int = 0x8180, count: int | None = None) -> bytes:
    counts = (1, len(records) if count is None else count, 0, 0)
    header = ASKED[:2] + flags.to_bytes(2, "big") + b"".join(each.to_bytes(2, "big") for each in counts)
    return header + QUESTION + b"".join(records)


def test_a_query_asks_for_the_absolute_name_with_recursion() -> None:
    assert ASKED[2:] == bytes.fromhex("0100 0001 0000 0000 0000") + b"\5tools\5cisco\3com\0\0\1\0\1"
    assert query("a.example", "AAAA").endswith(b"\0\x1c\0\1")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(answer(record(1, b"\1\2\3\4")), DnsAnswer("NOERROR", ("1.2.3.4",)), id="an address"),
        pytest.param(
            answer(record(5, b"\3cdn\0"), record(1, b"\1\2\3\4", b"\3cdn\0")),
            DnsAnswer("NOERROR", ("1.2.3.4",)),
            id="an alias",
        ),
        pytest.param(answer(record(28, bytes(16))), DnsAnswer("NOERROR"), id="another type"),
        pytest.param(answer(), DnsAnswer("NOERROR"), id="no address"),
        pytest.param(answer(flags=0x8183), DnsAnswer("NXDOMAIN"), id="no such name"),
        pytest.param(answer(flags=0x8185), DnsAnswer("REFUSED"), id="refused"),
        pytest.param(answer(flags=0x818B), DnsAnswer("response code 11"), id="another code"),
        pytest.param(answer(flags=0x8380), DnsAnswer("NOERROR", truncated=True), id="cut off"),
        pytest.param(answer(flags=0x0180), None, id="a query"),
        pytest.param(b"??" + answer()[2:], None, id="another query's"),
        pytest.param(answer(record(1, b"\1\2\3\4"))[:-1], None, id="cut in an address"),
        pytest.param(answer(record(1, b"\1\2\3")), None, id="an address of three bytes"),
        pytest.param(answer(count=3), None, id="fewer records than said"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_an_answer_is_read(raw: bytes, expected: DnsAnswer | None) -> None:
    assert read_answer(raw, ASKED, "A") == expected


@given(st.binary(max_size=600))
def test_any_bytes_are_an_answer_or_none(raw: bytes) -> None:
    found = read_answer(ASKED[:2] + b"\x81\x80" + raw, ASKED, "A")
    assert found is None or all(len(address) <= 15 for address in found.addresses)
