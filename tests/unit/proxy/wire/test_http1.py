"""Heads that are accepted, heads that are refused, and both in any split."""

import pytest

from licensegate.proxy.wire.http1 import Head, read_head
from licensegate.records.outcome import Outcome
from support.request_heads import ACCEPTED, EVERY_HEAD, INCOMPLETE, LIMIT, LINE, REFUSED, first_verdict, verdict


@pytest.mark.parametrize(("received", "head"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_valid_head_is_read(received: bytes, head: Head) -> None:
    assert read_head(received, LIMIT) == head


@pytest.mark.parametrize(("received", "outcome", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_a_faulty_head_is_refused_with_its_outcome(received: bytes, outcome: Outcome, detail: str) -> None:
    assert verdict(received) == (outcome, detail)


@pytest.mark.parametrize("received", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_a_head_that_may_still_become_valid_is_not_judged(received: bytes) -> None:
    assert read_head(received, LIMIT) is None


@pytest.mark.parametrize("received", EVERY_HEAD.values(), ids=EVERY_HEAD.keys())
def test_byte_by_byte_the_verdict_is_that_of_the_whole(received: bytes) -> None:
    assert first_verdict(received) == verdict(received)


@pytest.mark.parametrize("received", [received for received, _ in ACCEPTED.values()], ids=ACCEPTED.keys())
@pytest.mark.parametrize("early", [b"\r\n", b"\x16\x03\x01", LINE + b"\r\n", b"x" * LIMIT], ids=repr)
def test_bytes_after_the_head_are_not_part_of_it(received: bytes, early: bytes) -> None:
    assert read_head(received + early, LIMIT) == read_head(received, LIMIT)
