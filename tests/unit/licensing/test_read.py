"""Reading what products print, whole, damaged and cut."""

import contextlib
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.licensing.read import read
from licensegate.licensing.text.clean import MOST_LINES
from licensegate.licensing.text.decode import LARGEST, UnreadableTextError
from support.licence_damages import DAMAGES
from support.licence_texts import NAMES, PRINTED, expected_of, leaves, text_of, wrong_values


def report_of(text: str | bytes) -> object:
    return msgspec.to_builtins(read(text.encode() if isinstance(text, str) else text).report)


@pytest.mark.parametrize("name", NAMES)
def test_an_output_is_read_exactly(name: str) -> None:
    assert report_of(text_of(name)) == expected_of(name)


@pytest.mark.parametrize("name", [name for name in PRINTED if name != "cucm-summary-pdf"])
def test_every_line_of_an_output_has_a_place(name: str) -> None:
    assert read(text_of(name).encode()).unread == []


def test_a_line_without_a_place_is_listed() -> None:
    text = "Registration:\n  Status: REGISTERED\n  Moon Phase: FULL\nsomething else\n"

    assert read(text.encode()).unread == ["Moon Phase: FULL", "something else"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", PRINTED)
def test_a_damaged_output_is_read_exactly(name: str, damage: Callable[[str], str]) -> None:
    assert report_of(damage(text_of(name))) == expected_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_utf_16_of_powershell_is_read(name: str) -> None:
    assert report_of(text_of(name).encode("utf-16")) == expected_of(name)


@pytest.mark.parametrize("damage", ["quoted in a mail", "CRLF", "byte-order mark", "colours", "no indentation"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in PRINTED])
def test_damaged_json_and_xml_are_read_exactly(name: str, damage: str) -> None:
    assert report_of(DAMAGES[damage](text_of(name))) == expected_of(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PRINTED])
def test_json_and_xml_cut_anywhere_have_no_wrong_value(name: str) -> None:
    text, whole = text_of(name), dict(leaves(expected_of(name)))
    wrong = []
    for end in range(0, len(text), 3):
        with contextlib.suppress(UnreadableTextError):
            found = leaves(report_of(text[:end]))
            wrong += [(end, path, value) for path, value in found if whole.get(path) != value and path != ("model",)]

    assert wrong == []


@pytest.mark.parametrize("name", [name for name in PRINTED if name != "nxos-traditional"])
def test_a_text_cut_at_any_line_has_no_wrong_value(name: str) -> None:
    text, whole = text_of(name), dict(leaves(expected_of(name)))
    ends = [found.end() for found in re.finditer("\n", text)]
    wrong = [
        (end, path, value) for end in ends for path, value in leaves(report_of(text[:end])) if whole.get(path) != value
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param("License Authorization:\n Communication Deadline: Jun 1 10:16:06 20", "20", id="date"),
        pytest.param("License Authorization:\n Communication Deadline: Jun 1 10:16:06 2026 U", "2026", id="zone"),
        pytest.param("Registration:\n Status: REGISTERED", "registered", id="state that may go on"),
        pytest.param("Registration:\n Smart Account: Blue Har", "Blue", id="account"),
        pytest.param("License Usage\n (TAG)\n Description: x\n Count: 4", "4", id="count"),
        pytest.param("UDI: PID:UCM,SN:ab1", "ab1", id="serial number"),
        pytest.param("Smart Agent for Licensing: 1.7.2", "1.7", id="version"),
        pytest.param("Usage Reporting:\n Reporting push interval: 3", "3", id="interval"),
    ],
)
def test_the_last_value_of_a_cut_text_is_missing(text: str, missing: str) -> None:
    assert missing not in [str(value) for _, value in leaves(report_of(text))]
    assert not any(str(value).startswith(missing) for _, value in leaves(report_of(text)))


@pytest.mark.parametrize("name", [name for name in PRINTED if name != "nxos-traditional"])
def test_a_text_cut_at_any_letter_has_no_wrong_value(name: str) -> None:
    text = text_of(name)
    step = 1 if len(text) < 2000 else 3
    wrong = [
        (end, found)
        for end in range(0, len(text), step)
        for found in wrong_values(report_of(text[:end]), expected_of(name))
    ]
    assert wrong == []


def test_a_line_of_its_own_ends_the_keys_of_a_licence() -> None:
    """The heading of the second licence cannot be read: its keys are not those of the first."""
    text = "(FIRST)\nDescription: x\nCount: 1\nStatus: INIT\nsecond (\nDescription: y\nCount: 2\nStatus: IN USE\n"

    (licence,) = read(text.encode()).report.entitlements

    assert (licence.tag, licence.count, licence.status) == ("FIRST", 1, "init")


@pytest.mark.parametrize(
    ("printed", "model"),
    [
        pytest.param(
            "Index 1 Feature: base\n  Period left: Life time\n  License State: Active\n", "traditional", id="IOS"
        ),
        pytest.param("Licensed features for this platform:\nVLANs : 50\n", "traditional", id="ASA"),
        pytest.param("Smart Licensing is DISABLED\n", "traditional", id="disabled"),
        pytest.param("Smart Licensing is ENABLED\n", None, id="enabled says no model"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_model_is_told_or_left_open(printed: str, model: str | None) -> None:
    assert read(printed.encode()).report.model == model


@pytest.mark.parametrize("section", ["Authorizations", "Purchased Licenses", "Specified license reservations"])
def test_licences_that_are_only_held_are_not_in_use(section: str) -> None:
    licence = "Router Export License (HSEC_A):\n  Description: Router Export License\n"
    text = (
        f"License Usage\n=====\n{licence}  Count: 1\n  Status: IN USE\n  Reservation:\n    Total reserved count: 3\n"
        f"{section}:\n  {licence}    Count: 5\n    Term information:\n      License type: TERM\n"
        "        Start Date: 2025-OCT-17 UTC\n        End Date: 2026-OCT-17 UTC\n        Term Count: 1\n"
    )

    found = read(text.encode())

    assert [(each.tag, each.count, each.status) for each in found.report.entitlements] == [("HSEC_A", 1, "in_use")]
    assert found.unread == []


def test_a_tag_in_a_wrapped_failure_reason_is_no_licence() -> None:
    reason = (
        "The product regid.2013-08.com.cisco.ROUTER,1.0_1562da96-0000-4f99-a6cb-14b4dd0fa135 and sudi containing"
        " udiSerialNumber:9AAA111,udiPid:ROUTER has been removed"
    )
    first, rest = reason.split(" regid.", 1)
    text = (
        "Registration:\n  Status: REGISTERED\n  Last Renewal Attempt: FAILED on Jul 11 11:49:00 2026 UTC\n"
        f"    Failure reason: {first}\nregid.{rest}\n  Next Renewal Attempt: Jul 11 12:49:00 2026 UTC\n"
    )

    report = read(text.encode()).report

    assert report.entitlements == []
    assert report.failures in ([reason], [])


def test_lines_that_every_release_of_a_family_prints_have_a_place() -> None:
    text = (
        "RP/0/RP0/CPU0:xr#show license all\nTue Feb  2 10:11:12.345 UTC\n\nSmart Licensing is ENABLED\n"
        "License Reservation is ENABLED\n\nMiscellaneus:\n  Custom Id: <empty>\n"
        "Component Versions: SA:(1_3_dev)1.0.15, SI:(dev22)1.2.1\n\nTransport Type: CALLHOME\n"
    )

    found = read(text.encode())

    assert (found.unread, found.report.transport.type) == ([], "callhome")


def test_a_registration_in_progress_is_not_registered() -> None:
    text = "Registration:\n  Status: REGISTERING - REGISTRATION IN PROGRESS\nTransport:\n"

    assert read(text.encode()).report.registration.status == "unregistered"


def test_a_failure_in_the_policy_model_leaves_attempts_alone() -> None:
    report = read(text_of("iosxe-tech-identity").encode()).report

    assert report.failures[1] == "Server error occurred: LS_BUSY"
    assert report.registration.last_renewal is None


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("Attempts: Total=2, Success=0, Fail=2  Ongoing Failure: Overall=2 Communication=0", "the other side answers"),
        ("Attempts: Total=2, Success=0, Fail=2  Ongoing Failure: Overall=2 Communication=2", "is not reached"),
        ("Total Acknowledged Received: 0,  Waiting for Ack: 86", "86 usage reports wait"),
        ("Overall State: Device configured for Offline transport", "Offline transport"),
        ("Clock sync-ed with NTP: False", "not synchronised"),
    ],
)
def test_what_is_worth_a_warning_is_noted(line: str, note: str) -> None:
    (said,) = read(f"Communication Statistics:\n{line}\n".encode()).notes

    assert note in said


@pytest.mark.parametrize(
    "line",
    [
        "Attempts: Total=2, Success=2, Fail=0  Ongoing Failure: Overall=0 Communication=0",
        "Total Acknowledged Received: 119,  Waiting for Ack: 0(171)",
        "Overall State: <empty>",
        "Clock sync-ed with NTP: True",
    ],
)
def test_what_is_in_order_is_not_noted(line: str) -> None:
    assert read(f"Communication Statistics:\n{line}\n".encode()).notes == []


def test_the_products_time_counts_only_if_it_is_synchronised() -> None:
    assert read(text_of("iosxe-status-proxy").encode()).captured_at == "2026-10-23T05:30:30 UTC"
    assert read(text_of("iosxe-tech-identity").encode()).captured_at is None


def test_too_large_a_text_is_refused_with_its_limit() -> None:
    with pytest.raises(UnreadableTextError, match="larger than 8 MiB"):
        read(b"x" * (LARGEST + 1))


def test_too_many_lines_are_refused_with_their_limit() -> None:
    with pytest.raises(UnreadableTextError, match="more than 100000 lines"):
        read(b"x\n" * (MOST_LINES + 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param('{"smartLicenseStatus": }', "begins like JSON", id="broken JSON"),
        pytest.param('{"wea', "not that of FMC", id="cut before anything is known"),
        pytest.param('{"weather": "fine"}', "not that of FMC", id="other JSON"),
        pytest.param("[" * 100_000 + '{"a": 1}', "", id="deep JSON is text"),
    ],
)
def test_json_that_cannot_be_read_says_why(text: str, reason: str) -> None:
    if not reason:
        assert read(text.encode()).report.model is None
        return
    with pytest.raises(UnreadableTextError, match=reason):
        read(text.encode())


def test_entities_in_xml_are_not_expanded() -> None:
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><LicenseDetails><Registration><SmartAccount>&a;&a;</SmartAccount>"

    assert read(bomb.encode()).report.registration.smart_account == "&a;&a;"


PIECES = st.sampled_from(
    [line for name in PRINTED for line in text_of(name).splitlines(True)]
    + ["(", ")", "\b", "\r", "\x1b[", "> ", "regid.", " on ", ": ", "0" * 30, "\u3000", "\ud7ff", "Count: 9" * 9]
)


def fault_of(data: bytes) -> Exception | None:
    """The declared error that reading raises, or None."""
    try:
        read(data)
    except UnreadableTextError as error:
        return error
    return None


@given(st.lists(PIECES | st.text(max_size=20), max_size=40).map("".join))
def test_no_text_raises_anything_undeclared(text: str) -> None:
    fault = fault_of(text.encode())
    assert fault is None or str(fault)


@pytest.mark.parametrize("first", ["[]", "{}", "[1, 2", '{"a": '])
def test_an_output_behind_what_looks_like_json_is_read(first: str) -> None:
    assert report_of(f"{first}\n{text_of('cucm-all')}") == report_of(text_of("cucm-all"))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_undeclared(data: bytes) -> None:
    assert str(fault_of(data))


@given(st.sampled_from(NAMES), st.integers(0, 5000), st.integers(0, 5000))
def test_a_text_with_a_hole_raises_nothing_undeclared(name: str, start: int, length: int) -> None:
    text = text_of(name)

    assert str(fault_of((text[:start] + text[start + length :]).encode()))
