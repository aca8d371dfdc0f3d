"""Findings about the end of a tunnel: what a client's farewell, one more record and an old version mean."""

from typing import Any

import pytest

from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.contact import Contact
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.diagnosed import failed, found, look

FLIGHT = [(22, 122), (20, 1), (23, 23), (23, 831), (23, 96), (23, 69)]
FAREWELL = (23, 19)
ASKED = [(20, 1), (23, 69), (23, 2208)]


def unanswered(*behind: tuple[int, int], **fields: Any) -> TunnelRecord:
    """A request in TLS 1.3, with these records of the target behind its flight."""
    return failed(
        Contact.REQUEST_UNANSWERED, **({"client_records": ASKED, "upstream_records": [*FLIGHT, *behind]} | fields)
    )


@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(
            unanswered((23, 250), (23, 250), client_records=[*ASKED, FAREWELL], total_ms=2002.0, client_last_ms=2001.0),
            ("no_answer_to_request", "likely"),
            id="the client says farewell after two seconds",
        ),
        pytest.param(
            unanswered((23, 250), (23, 250), client_records=[*ASKED, FAREWELL]),
            ("cut_in_use", "likely"),
            id="the target closes, and the client says farewell",
        ),
        pytest.param(unanswered((23, 113), FAREWELL), ("transport_fine", "possible"), id="an answer or a ticket"),
        pytest.param(unanswered((23, 113)), ("cut_in_use", "possible"), id="an answer or a ticket, and a cut"),
        pytest.param(
            unanswered((23, 250), (23, 250), FAREWELL),
            ("server_refused_after_handshake", "likely"),
            id="two tickets and an alert",
        ),
    ],
)
def test_what_followed_a_request(made: TunnelRecord, code: tuple[str, str]) -> None:
    assert found(made) == code


def test_any_alert_against_an_old_version_is_about_the_version() -> None:
    made = failed(Contact.HANDSHAKE_CUT, tls_negotiated="1.0", tls_version="1.3", client_alert=80)

    assert found(made) == ("server_too_old", "likely")


@pytest.mark.parametrize(
    ("contact", "code"),
    [(Contact.HANDSHAKE_CUT, "reset_in_handshake"), (Contact.HANDSHAKE_UNUSED, "handshake_only")],
)
def test_an_own_server_is_not_called_untrusted_without_a_rejection(contact: Contact, code: str) -> None:
    made = failed(contact, preset="", addresses=["10.1.1.1"], upstream_records=FLIGHT)

    assert found(made)[0] == code


@pytest.mark.parametrize(
    ("offered", "looks", "code"),
    [
        ("1.3", (), ("server_too_old", "likely")),
        ("1.2", (), ("server_too_old", "possible")),
        ("1.2", (look(TargetVerdict.SERVER_TOO_OLD),), ("server_too_old", "likely")),
        ("1.2", (look(TargetVerdict.PUBLIC, tls_version="1.3"),), ("client_too_old", "likely")),
    ],
    ids=["newest", "unknown", "an old target", "a new target"],
)
def test_a_refused_version_is_the_fault_of_the_older_side(
    offered: str, looks: tuple[TargetReport, ...], code: tuple[str, str]
) -> None:
    made = failed(Contact.HELLO_REFUSED, upstream_alert=70, tls_version=offered)

    assert found(made, *looks) == code


@pytest.mark.parametrize(
    ("flight", "code"),
    [
        pytest.param(FLIGHT, "unknown", id="TLS 1.3"),
        pytest.param([(22, 91), (22, 1715), (22, 116), (22, 4)], "unknown", id="TLS 1.2"),
        pytest.param(FLIGHT[:4], "stalled_in_handshake", id="half of it"),
    ],
)
def test_a_client_that_does_not_go_on_is_no_stall_of_the_target(flight: list[tuple[int, int]], code: str) -> None:
    late: dict[str, Any] = {"total_ms": 20_000.0, "client_last_ms": 80.0, "upstream_last_ms": 90.0}

    assert found(failed(Contact.HANDSHAKE_CUT, upstream_records=flight, **late))[0] == code


def test_a_slow_program_does_not_make_its_target_slow() -> None:
    quick = failed(Contact.ANSWERED, answered_ms=300.0, user_agent="curl/8.5.0")
    slow = failed(Contact.ANSWERED, answered_ms=5000.0, user_agent="Java/17.0.13")

    assert found(slow, before=(quick,))[0] == "transport_fine"
