"""Certificates that clients did not accept: whose fault is it? The gate's own look at the target tells."""

from datetime import timedelta
from typing import Any

import pytest

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.diagnosed import (
    CORPORATE_ISSUER,
    PUBLIC_ISSUER,
    REJECTED_IN_TLS_1_3,
    failed,
    found,
    later,
    look,
    outline,
    refused,
)  # fmt: skip
from support.records import NOON

JAVA, CURL, GO = "Java/17.0.15", "curl/8.5.0", "Go-http-client/1.1"
OWN: dict[str, Any] = {"preset": "", "addresses": ["10.1.1.1"]}


def rejected(alert: int | None = None, **fields: Any) -> TunnelRecord:
    records = REJECTED_IN_TLS_1_3 if alert is None else [(21, 2)]
    return failed(Contact.CERTIFICATE_REJECTED, client_alert=alert, client_records=records, **fields)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (TargetVerdict.PUBLIC, "missing_root"),
        (TargetVerdict.PRIVATE, "onprem_untrusted"),
        (TargetVerdict.UNTRUSTED, "onprem_untrusted"),
        (TargetVerdict.WRONG_NAME, "wrong_name"),
        (TargetVerdict.EXPIRED, "server_expired"),
        (TargetVerdict.NOT_YET_VALID, "server_not_yet_valid"),
        (TargetVerdict.GATE_CLOCK, "gate_clock"),
        (TargetVerdict.SELF_SIGNED, "self_signed"),
        (TargetVerdict.FOREIGN_ISSUER, "intercepted"),
        (TargetVerdict.INCOMPLETE_CHAIN, "incomplete_chain"),
        (TargetVerdict.SILENT, "certificate_rejected"),
        (TargetVerdict.NOT_REACHED, "certificate_rejected"),
    ],
)
def test_a_rejection_is_explained_by_the_look(verdict: TargetVerdict, code: str) -> None:
    assert found(rejected(), look(verdict)) == (code, "likely")


@pytest.mark.parametrize(
    ("alert", "user_agent", "code"),
    [
        (48, JAVA, ("missing_root", "likely")),
        (46, JAVA, ("missing_root", "likely")),
        (45, JAVA, ("client_clock", "likely")),
        (45, "", ("client_clock", "likely")),
        (42, JAVA, ("client_clock", "likely")),
        (42, CURL, ("client_clock", "likely")),
        (42, GO, ("missing_root", "likely")),
        (42, "", ("client_clock", "possible")),
        (44, CURL, ("certificate_rejected", "likely")),
    ],
)
def test_an_alert_means_what_the_clients_library_means(alert: int, user_agent: str, code: tuple[str, str]) -> None:
    made = rejected(alert, user_agent=user_agent, tls_negotiated="1.2")

    assert found(made, look(TargetVerdict.PUBLIC)) == code


def test_a_program_that_was_answered_before_has_the_root() -> None:
    before = failed(Contact.ANSWERED, after=-3600, answered_ms=200.0)

    assert found(rejected(), look(TargetVerdict.PUBLIC), before=(before,)) == ("client_clock", "possible")
    assert found(rejected(48), look(TargetVerdict.PUBLIC), before=(before,))[0] == "missing_root"


@pytest.mark.parametrize(("ago", "certainty"), [(60, "likely"), (3600, "possible"), (6 * 3600, "possible")])
def test_an_older_look_makes_less_sure(ago: float, certainty: str) -> None:
    assert found(rejected(), look(TargetVerdict.EXPIRED, ago=ago)) == ("server_expired", certainty)


def test_a_look_of_yesterday_is_no_evidence() -> None:
    assert found(rejected(), look(TargetVerdict.EXPIRED, ago=86_400)) == ("certificate_rejected", "likely")


def test_only_the_newest_look_counts() -> None:
    newest, oldest = look(TargetVerdict.PUBLIC, ago=30), look(TargetVerdict.EXPIRED, ago=300)

    assert found(rejected(), newest, oldest)[0] == "missing_root"


def test_interception_is_certain_only_where_the_tunnel_shows_it() -> None:
    foreign = look(TargetVerdict.FOREIGN_ISSUER, CORPORATE_ISSUER)
    shown = rejected(48, tls_negotiated="1.2", server_certificate=outline(CORPORATE_ISSUER))

    assert found(shown, foreign) == ("intercepted", "certain")
    assert found(rejected(48), foreign) == ("intercepted", "likely")


def test_another_issuer_than_the_look_met_is_an_interception() -> None:
    shown = rejected(48, tls_negotiated="1.2", server_certificate=outline(CORPORATE_ISSUER))

    assert found(shown, look(TargetVerdict.PUBLIC, PUBLIC_ISSUER)) == ("intercepted", "likely")


@pytest.mark.parametrize("verdict", [TargetVerdict.FOREIGN_ISSUER, TargetVerdict.NOT_JUDGED])
def test_a_server_of_ones_own_is_never_intercepted(verdict: TargetVerdict) -> None:
    assert found(rejected(48, **OWN), look(verdict, CORPORATE_ISSUER)) == ("onprem_untrusted", "likely")
    assert found(rejected(48, **OWN))[0] == "onprem_untrusted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"not_after": NOON - timedelta(1)}, "server_expired"),
        ({"not_before": NOON + timedelta(1)}, "server_not_yet_valid"),
        ({"names": ("www.example.com",)}, "wrong_name"),
        ({"names": ("*.cisco.com",)}, "certificate_rejected"),
        ({"names": ("TOOLS.cisco.com",)}, "certificate_rejected"),
        ({"subject": PUBLIC_ISSUER}, "self_signed"),
    ],
)
def test_tls_1_2_shows_the_certificate_itself(changes: dict[str, Any], code: str) -> None:
    made = rejected(46, tls_negotiated="1.2", server_certificate=outline(**changes))

    assert found(made) == (code, "likely")


def test_without_a_look_the_cause_is_not_guessed() -> None:
    assert found(rejected(48)) == ("certificate_rejected", "likely")
    assert found(rejected()) == ("certificate_rejected", "likely")


@pytest.mark.parametrize(
    ("looks", "code"),
    [
        ((), ("handshake_only", "possible")),
        ((look(TargetVerdict.PUBLIC),), ("handshake_only", "possible")),
        ((look(TargetVerdict.WRONG_NAME),), ("wrong_name", "likely")),
        ((look(TargetVerdict.FOREIGN_ISSUER, CORPORATE_ISSUER),), ("intercepted", "possible")),
        ((look(TargetVerdict.EXPIRED),), ("server_expired", "possible")),
    ],
)
def test_a_handshake_without_a_request_may_be_a_rejection(
    looks: tuple[TargetReport, ...], code: tuple[str, str]
) -> None:
    assert found(failed(Contact.HANDSHAKE_UNUSED), *looks) == code


def test_a_client_that_goes_without_a_word_may_have_rejected() -> None:
    wordless: dict[str, Any] = {"client_records": []}

    assert found(failed(Contact.HANDSHAKE_CUT, **wordless), look(TargetVerdict.FOREIGN_ISSUER)) == (
        "intercepted",
        "possible",
    )
    for said in ([], [(20, 1)]):
        quiet = failed(Contact.HANDSHAKE_CUT, client_records=said)
        assert found(quiet, look(TargetVerdict.PUBLIC)) == ("missing_root", "possible")
    reset = failed(Contact.HANDSHAKE_CUT, detail="ECONNRESET", **wordless)
    assert found(reset, look(TargetVerdict.PUBLIC))[0] == "reset_in_handshake"
    short = failed(Contact.HANDSHAKE_CUT, upstream_read=130, **wordless)
    assert found(short, look(TargetVerdict.PUBLIC))[0] == "reset_in_handshake", "no certificate had come"


@pytest.mark.parametrize(
    ("outcome", "asked"),
    [
        (Outcome.HTTP_WITHOUT_TUNNEL, {"requested": "http://validation.identrust.com/crl/hydrantidcao1.crl"}),
        (Outcome.HTTP_WITHOUT_TUNNEL, {"requested": "http://commercial.ocsp.identrust.com/MFEwTzBN"}),
        (Outcome.TARGET_NOT_ALLOWED, {"target": "ocsp.example.net:80"}),
    ],
)
def test_a_refused_revocation_list_explains_a_rejection(outcome: Outcome, asked: dict[str, str]) -> None:
    fetch = refused(outcome, after=-5, **asked)

    assert found(rejected(), before=(fetch,)) == ("revocation_blocked", "likely")
    assert found(rejected(48), before=(fetch,))[0] == "certificate_rejected", "the root is missing"
    assert found(failed(Contact.ANSWERED, answered_ms=100.0), before=(fetch,))[0] == "transport_fine"


def test_an_old_or_another_refused_fetch_explains_nothing() -> None:
    url = "http://validation.identrust.com/crl/hydrantidcao1.crl"
    old = refused(Outcome.HTTP_WITHOUT_TUNNEL, after=-600, requested=url)
    other = refused(Outcome.HTTP_WITHOUT_TUNNEL, after=-5, requested="http://www.cisco.com/security/pki/trs/ios.p7b")
    stranger = refused(Outcome.HTTP_WITHOUT_TUNNEL, after=-5, requested=url, client="10.9.9.9")

    for before in (old, other, stranger):
        assert found(rejected(), before=(before,))[0] == "certificate_rejected"


def test_a_published_finding_is_reviewed_after_a_look() -> None:
    diagnosis = Diagnosis()
    made = rejected(48)
    diagnosis.observe([made])
    assert made.finding == "certificate_rejected"

    diagnosis.seen(look(TargetVerdict.PUBLIC, ago=-20))

    finding = diagnosis.review(made)
    assert finding is not None
    assert (finding.code, finding.certainty) == ("missing_root", "likely")
    assert diagnosis.wants_look(made)


def test_the_clock_of_the_gate_is_named_with_its_error() -> None:
    diagnosis = Diagnosis()
    diagnosis.seen(look(TargetVerdict.GATE_CLOCK, skew_seconds=-7200.0))
    finding = diagnosis.explain(rejected())

    assert finding is not None
    assert "7200 s" in finding.evidence
    assert later(0) == NOON


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        pytest.param("10.1.1.1:443", {"names": ("onprem.example", "10.1.1.1")}, id="an address"),
        pytest.param("[2001:db8::1]:443", {"names": ("2001:db8::1",)}, id="an address of IPv6"),
        pytest.param("a.example.com:443", {"names": ("*.Example.com",)}, id="a wildcard"),
        pytest.param("onprem.example:443", {"names": (), "subject": "CN=OnPrem.example"}, id="a subject alone"),
        pytest.param("a.example:443", {"names": ("a.example",), "subject": "", "issuer": ""}, id="names alone"),
    ],
)
def test_a_certificate_for_the_target_has_no_fault_of_its_own(target: str, fields: dict[str, Any]) -> None:
    made = rejected(48, tls_negotiated="1.2", target=target, server_certificate=outline(**fields))

    assert found(made) == ("certificate_rejected", "likely")
