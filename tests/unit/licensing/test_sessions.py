"""Texts with the outputs of several commands or devices: nothing of one is taken for another's."""

import msgspec
import pytest

from licensegate.licensing.read import read, read_all
from licensegate.licensing.report import LicenseReport, Reading
from support.licence_texts import PRINTED, expected_of, text_of

REPORTS = [name for name in PRINTED if name != "nxos-traditional"]


def session(*commands: tuple[str, str]) -> bytes:
    """A terminal's log: each prompt with its command, and what it printed."""
    return "".join(f"{prompt}show license all\n{text.rstrip()}\n{prompt}\n" for prompt, text in commands).encode()


def values(readings: list[Reading]) -> list[object]:
    return [msgspec.to_builtins(reading.report) for reading in readings]


@pytest.mark.parametrize("name", REPORTS)
def test_outputs_behind_two_prompts_are_two_reports(name: str) -> None:
    found = read_all(session(("sw-1#", text_of("iosxe-status-proxy")), ("sw-2#", text_of(name))))

    assert values(found) == [expected_of("iosxe-status-proxy"), expected_of(name)]


def test_a_report_has_the_prompt_of_its_command() -> None:
    found = read_all(session(("sw-1#", text_of("cucm-all")), ("ops@sw-2>", text_of("asa-failing"))))

    assert [reading.device for reading in found] == ["sw-1", "ops@sw-2"]


@pytest.mark.parametrize("glue", ["\n", "\n\n", ""])
def test_outputs_without_prompts_are_told_by_their_first_sentence(glue: str) -> None:
    names = ("cucm-all", "asa-failing", "cucm-all")
    found = read_all(glue.join(text_of(name) for name in names).encode())

    assert values(found) == [expected_of(name) for name in names]


def test_two_outputs_of_one_device_complete_each_other() -> None:
    status, usage = text_of("iosxe-status-proxy"), text_of("iosxe-usage")
    (found,) = read_all(session(("sw-1#", status), ("sw-1(config)#do ", usage)))

    assert found.report.policy.next_ack_deadline == expected_of("iosxe-status-proxy")["policy"]["next_ack_deadline"]
    assert msgspec.to_builtins(found.report.entitlements) == expected_of("iosxe-usage")["entitlements"]


def test_two_outputs_of_one_prompt_that_contradict_are_two_reports() -> None:
    before = text_of("cucm-all")
    after = before.replace("Communication Deadline: Jun", "Communication Deadline: Jul")
    assert after != before

    first, second = read_all(session(("admin:", before), ("admin:", after)))

    assert first.report.authorization.deadline != second.report.authorization.deadline


def test_the_output_of_another_command_is_not_read() -> None:
    text = session(("sw-1#", text_of("iosxe-usage"))).decode() + "sw-1#show inventory\nUDI: PID:OTHER,SN:1\n"

    (found,) = read_all(text.encode())

    assert msgspec.to_builtins(found.report) == expected_of("iosxe-usage")
    assert found.unread == ["UDI: PID:OTHER,SN:1"]


def test_what_a_command_of_the_licence_agent_prints_is_read() -> None:
    (found,) = read_all(b"admin:license smart renew auth\nRegistration:\n  Status: REGISTERED\n")

    assert (found.report.registration.status, found.unread, found.device) == ("registered", [], "admin")


def test_a_greeting_before_an_output_is_unread_and_no_report() -> None:
    (found,) = read_all(
        b"Welcome to the Platform Command Line Interface\n\n" + session(("admin:", text_of("cucm-all")))
    )

    assert msgspec.to_builtins(found.report) == expected_of("cucm-all")
    assert found.unread == ["Welcome to the Platform Command Line Interface"]


def test_one_reading_says_that_there_are_more() -> None:
    found = read(session(("sw-1#", text_of("cucm-all")), ("sw-2#", text_of("asa-failing"))))

    assert found.notes == ["The text holds 2 outputs that are not of one product; this is the first."]


def test_outputs_in_the_json_of_ansible_are_reports() -> None:
    names = ("cucm-all", "asa-failing")
    results = {"hosts": {name: {"stdout": [text_of(name)]} for name in names}}

    assert values(read_all(msgspec.json.encode(results))) == [expected_of(name) for name in names]


def test_json_behind_a_command_is_read() -> None:
    text = f"$ curl --silent https://fmc.example.net/api\n{text_of('fmc.json').rstrip()}\n$ \n"

    assert values(read_all(text.encode())) == [expected_of("fmc.json")]


@pytest.mark.parametrize(
    "line",
    [
        "Initial Registration: SUCCEEDED on 26/01/2018 15:11:23",
        "Last Communication Attempt: FAILED on 26. Januar 2018 15:11:23 MEZ",
        "Registration Expires: janv. 26 15:11:23 2018 CET",
        "Trust Code Installed: 26.01.2018 15:11",
        "Evaluation period expired on 26.01.2018",
    ],
)
def test_a_date_in_no_known_form_is_unread(line: str) -> None:
    assert read(f"Smart Licensing is ENABLED\n{line}\nTransport:\n".encode()).unread == [line]


def test_no_text_at_all_is_one_empty_report() -> None:
    assert [reading.report for reading in read_all(b"")] == [LicenseReport()]
