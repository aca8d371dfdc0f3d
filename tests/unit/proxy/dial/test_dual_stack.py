"""Asking for both address families of a name, where one of them is silent or fails."""

import queue
import threading
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNSPEC, AddressFamily

import pytest
from msgspec import structs

from licensegate.proxy.dial import dual_stack
from licensegate.proxy.dial.dual_stack import best, host_has_ipv6, is_complete, look_up_both, look_up_ipv4, missing
from licensegate.proxy.dial.resolution import Resolution, Resolved, Unresolved
from support.resolver_harness import FAILED, NAME, NOT_FOUND
from support.upstream import SECONDS

V4 = Resolved(("192.0.2.1",))
V6 = Resolved(("2001:db8::1",))
ALL = Resolved(("2001:db8::1", "192.0.2.1"))


def so_far(answer: Resolution) -> Resolution:
    """This answer, while another may follow."""
    return structs.replace(answer, may_change=True)


class Families:
    """Answers by address family, each given by the test."""

    def __init__(self) -> None:
        self.asked: list[AddressFamily] = []
        self._answers: dict[AddressFamily, queue.SimpleQueue[Resolution]] = {
            family: queue.SimpleQueue() for family in (AF_UNSPEC, AF_INET, AF_INET6)
        }

    def __call__(self, name: str, family: AddressFamily) -> Resolution:
        assert name == NAME
        self.asked.append(family)
        return self._answers[family].get(timeout=SECONDS)

    def give(self, family: AddressFamily, answer: Resolution) -> None:
        self._answers[family].put(answer)


@pytest.fixture
def families() -> Families:
    return Families()


@pytest.fixture
def both_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the look-up of both families no time."""
    monkeypatch.setattr(dual_stack, "_BOTH_SECONDS", 0)


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the other family once IPv4 has nothing."""
    monkeypatch.setattr(dual_stack, "_GRACE", 0.01)


@pytest.mark.parametrize("answer", [ALL, NOT_FOUND], ids=["addresses", "no such name"])
def test_one_call_is_enough_where_both_families_answer(families: Families, answer: Resolution) -> None:
    families.give(AF_UNSPEC, answer)
    assert list(look_up_both(NAME, families)) == [answer]
    assert families.asked == [AF_UNSPEC]


@pytest.mark.usefixtures("both_is_late")
@pytest.mark.parametrize(
    ("quick", "answer", "silent", "late"),
    [
        pytest.param(AF_INET, V4, AF_INET6, V6, id="IPv6 is silent"),
        pytest.param(AF_INET6, V6, AF_INET, V4, id="IPv4 is silent"),
    ],
)
def test_one_family_is_the_answer_while_the_other_is_silent(
    families: Families, quick: AddressFamily, answer: Resolved, silent: AddressFamily, late: Resolved
) -> None:
    families.give(quick, answer)
    answers = look_up_both(NAME, families)
    assert next(answers) == so_far(answer)
    families.give(silent, late)
    assert next(answers) == ALL, "what comes late is added"
    families.give(AF_UNSPEC, FAILED)
    assert list(answers) == []


@pytest.mark.usefixtures("both_is_late")
@pytest.mark.parametrize("last", [FAILED, NOT_FOUND, Unresolved(FAILED.outcome, "time out")])
def test_a_silent_family_that_fails_adds_nothing(families: Families, last: Resolution) -> None:
    families.give(AF_INET, V4)
    answers = look_up_both(NAME, families)
    assert next(answers) == so_far(V4)
    families.give(AF_INET6, last)
    families.give(AF_UNSPEC, last)
    assert list(answers) == [V4]


@pytest.mark.parametrize(("family", "other"), [(AF_INET, AF_INET6), (AF_INET6, AF_INET)], ids=["IPv4", "IPv6"])
def test_a_failing_family_does_not_hide_the_other(
    families: Families, family: AddressFamily, other: AddressFamily
) -> None:
    answer = V4 if family is AF_INET else V6
    families.give(AF_UNSPEC, FAILED)
    families.give(other, FAILED)
    families.give(family, answer)
    assert list(look_up_both(NAME, families))[-1] == answer


@pytest.mark.parametrize(
    ("v6", "v4", "answer"),
    [
        pytest.param(FAILED, FAILED, FAILED, id="both fail"),
        pytest.param(NOT_FOUND, NOT_FOUND, NOT_FOUND, id="neither exists"),
        pytest.param(NOT_FOUND, FAILED, FAILED, id="only IPv4 fails"),
        pytest.param(FAILED, NOT_FOUND, FAILED, id="only IPv6 fails"),
    ],
)
def test_a_name_fails_once_both_families_have_failed(
    families: Families, v6: Resolution, v4: Resolution, answer: Resolution
) -> None:
    families.give(AF_UNSPEC, FAILED)
    families.give(AF_INET6, v6)
    families.give(AF_INET, v4)
    assert list(look_up_both(NAME, families)) == [answer]


def test_the_systems_order_beats_that_of_single_families() -> None:
    system = Resolved(("192.0.2.1", "2001:db8::1"))
    answers: dict[AddressFamily, Resolution] = {AF_INET6: V6, AF_UNSPEC: system}
    assert is_complete(answers)
    assert best(answers) == system


def test_without_a_thread_the_look_up_fails(monkeypatch: pytest.MonkeyPatch, families: Families) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    (answer,) = look_up_both(NAME, families)
    assert isinstance(answer, Unresolved)
    assert answer.outcome is FAILED.outcome


@pytest.mark.parametrize(
    ("v4", "v6", "answer", "asked"),
    [
        pytest.param(V4, None, V4, [AF_INET], id="IPv4"),
        pytest.param(FAILED, None, FAILED, [AF_INET], id="failure"),
        pytest.param(NOT_FOUND, V6, V6, [AF_INET, AF_INET6], id="IPv6 only"),
        pytest.param(NOT_FOUND, FAILED, NOT_FOUND, [AF_INET, AF_INET6], id="neither"),
    ],
)
def test_a_host_without_ipv6_looks_up_ipv4_only(
    families: Families, v4: Resolution, v6: Resolution | None, answer: Resolution, asked: list[AddressFamily]
) -> None:
    families.give(AF_INET, v4)
    if v6 is not None:
        families.give(AF_INET6, v6)
    assert list(look_up_ipv4(NAME, families)) == [answer]
    assert families.asked == asked


@pytest.mark.usefixtures("both_is_late", "no_grace")
def test_a_name_without_ipv4_is_missing_while_ipv6_is_silent(families: Families) -> None:
    families.give(AF_INET, NOT_FOUND)
    answers = look_up_both(NAME, families)
    assert next(answers) == so_far(NOT_FOUND)

    families.give(AF_INET6, NOT_FOUND)
    families.give(AF_UNSPEC, NOT_FOUND)
    assert list(answers) == [NOT_FOUND]


@pytest.mark.usefixtures("no_grace")
def test_a_host_without_ipv6_does_not_wait_for_it_to_say_so(families: Families) -> None:
    families.give(AF_INET, NOT_FOUND)
    answers = look_up_ipv4(NAME, families)
    assert next(answers) == NOT_FOUND

    families.give(AF_INET6, V6)
    assert list(answers) == []


@pytest.mark.usefixtures("both_is_late", "no_grace")
def test_a_late_ipv6_address_replaces_that_a_name_is_missing(families: Families) -> None:
    families.give(AF_INET, NOT_FOUND)
    answers = look_up_both(NAME, families)
    assert next(answers) == so_far(NOT_FOUND)

    families.give(AF_INET6, V6)
    families.give(AF_UNSPEC, V6)

    assert list(answers) == [V6]


@pytest.mark.parametrize(("family", "found"), [(AF_INET, NOT_FOUND), (AF_INET6, None)], ids=["IPv4", "IPv6"])
def test_only_ipv4_without_an_answer_makes_a_name_missing(family: AddressFamily, found: Resolution | None) -> None:
    assert missing({family: NOT_FOUND}) == found


@pytest.mark.parametrize(
    ("lines", "has"),
    [
        pytest.param("00000000000000000000000000000001 01 80 10 80 lo\n", False, id="loopback"),
        pytest.param("fe8000000000000000fc00fffe000001 04 40 20 80 eth0\n", False, id="link"),
        pytest.param("20010db8000000000000000000000001 04 40 00 80 eth0\n", True, id="global"),
        pytest.param("fd000000000000000000000000000002 04 40 00 82 eth0\n", True, id="unique local"),
        pytest.param(None, False, id="switched off"),
    ],
)
def test_a_host_has_ipv6_by_an_address_beyond_its_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str | None, has: bool
) -> None:
    file = tmp_path / "if_inet6"
    if lines is not None:
        file.write_text(lines)
    monkeypatch.setattr(dual_stack, "_IPV6_ADDRESSES", file)
    assert host_has_ipv6() is has
