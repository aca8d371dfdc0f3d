"""Findings about tunnels, by how far TLS got in them and by what was left unsaid."""

from typing import Any

import pytest

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import DialAttempt, TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from licensegate.records.tcp_account import TcpAccount
from support.diagnosed import failed, found, look

LOST = TcpAccount(unsent=6000, unacknowledged=5, retransmitted=3)
LAST_MOMENT = TcpAccount(unsent=40, retransmitted=1)
UNREAD = TcpAccount(unacknowledged=1)
QUIET = TcpAccount()
PARENT: dict[str, Any] = {"parent": "http://proxy.example:8080", "parent_status": 200}


def silent(contact: Contact, **fields: Any) -> TunnelRecord:
    """Nothing moved for ten seconds."""
    usual: dict[str, Any] = {"total_ms": 10_080.0, "relay_ms": 10_000.0}
    return failed(contact, **(usual | fields))


@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(failed(Contact.HELLO_CUT), ("server_closed_on_hello", "certain"), id="closed"),
        pytest.param(silent(Contact.HELLO_CUT), ("silent_after_hello", "likely"), id="closed late"),
        pytest.param(failed(Contact.HELLO_UNANSWERED), ("client_left", "possible"), id="left"),
        pytest.param(silent(Contact.HELLO_UNANSWERED), ("silent_after_hello", "likely"), id="silent"),
        pytest.param(
            failed(Contact.HELLO_UNANSWERED, upstream_tcp=LOST), ("silent_after_hello", "likely"), id="packets lost"
        ),
        pytest.param(silent(Contact.HELLO_UNANSWERED, **PARENT), ("parent_tunnel_dead", "likely"), id="parent, silent"),
        pytest.param(failed(Contact.HELLO_CUT, **PARENT), ("parent_tunnel_dead", "likely"), id="parent, closed"),
        pytest.param(failed(Contact.HELLO_CUT, client_alert=40), ("server_closed_on_hello", "certain"), id="JSSE's 40"),
        pytest.param(
            failed(Contact.HELLO_UNANSWERED, addresses=["146.112.61.106"]), ("dns_sinkhole", "likely"), id="block page"
        ),
    ],
)
def test_what_followed_the_hello(made: TunnelRecord, code: tuple[str, str]) -> None:
    assert found(made) == code


@pytest.mark.parametrize(
    ("alert", "offered", "code"),
    [
        (70, "1.0", ("client_too_old", "certain")),
        (70, "1.1", ("client_too_old", "certain")),
        (70, "1.3", ("server_too_old", "likely")),
        (40, "1.0", ("client_too_old", "likely")),
        (80, "1.0", ("client_too_old", "likely")),
        (112, "1.0", ("server_refused_hello", "certain")),
        (40, "1.2", ("no_common_cipher", "likely")),
        (71, "1.3", ("no_common_cipher", "likely")),
        (112, "1.3", ("server_refused_hello", "certain")),
        (80, "1.2", ("server_refused_hello", "certain")),
        (None, "1.2", ("server_refused_hello", "likely")),
    ],
)
def test_a_refused_hello_is_judged_by_alert_and_version(alert: int | None, offered: str, code: tuple[str, str]) -> None:
    assert found(failed(Contact.HELLO_REFUSED, upstream_alert=alert, tls_version=offered)) == code


def test_a_hello_that_the_gates_is_refused_like_is_no_matter_of_ciphers() -> None:
    made = failed(Contact.HELLO_REFUSED, upstream_alert=40, tls_version="1.3")

    assert found(made, look(TargetVerdict.HELLO_REFUSED)) == ("server_refused_hello", "likely")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(failed(Contact.HANDSHAKE_CUT, client_records=[(20, 1)]), "reset_in_handshake", id="cut"),
        pytest.param(failed(Contact.HANDSHAKE_CUT, detail="ECONNRESET"), "reset_in_handshake", id="reset"),
        pytest.param(silent(Contact.HANDSHAKE_CUT), "stalled_in_handshake", id="silent"),
        pytest.param(failed(Contact.HANDSHAKE_CUT, client_tcp=LOST), "client_deaf", id="client acknowledges nothing"),
        pytest.param(failed(Contact.HANDSHAKE_CUT, upstream_tcp=LOST), "stalled_in_handshake", id="target neither"),
        pytest.param(failed(Contact.HANDSHAKE_CUT, client_alert=70), "server_too_old", id="client's 70"),
        pytest.param(failed(Contact.HANDSHAKE_CUT, client_alert=40), "no_common_cipher", id="client's 40"),
        pytest.param(
            failed(Contact.HANDSHAKE_CUT, client_alert=50, ended_first=Party.UPSTREAM),
            "reset_in_handshake",
            id="OpenSSL's 50 at a cut",
        ),
        pytest.param(failed(Contact.HANDSHAKE_CUT, client_alert=47), "unknown", id="client's 47"),
        pytest.param(
            failed(Contact.HANDSHAKE_CUT, tls_negotiated="1.2", client_records=[(22, 7), (22, 37)], upstream_alert=40),
            "client_certificate_wanted",
            id="TLS 1.2 without a certificate",
        ),
        pytest.param(
            failed(Contact.HANDSHAKE_CUT, upstream_alert=116), "client_certificate_wanted", id="certificate required"
        ),
        pytest.param(
            failed(Contact.HANDSHAKE_CUT, upstream_alert=80), "server_refused_after_handshake", id="target's 80"
        ),
    ],
)
def test_who_cut_a_handshake_and_where(made: TunnelRecord, code: str) -> None:
    assert found(made)[0] == code


@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(silent(Contact.REQUEST_UNANSWERED), "no_answer_to_request", id="silent"),
        pytest.param(silent(Contact.REQUEST_UNANSWERED, upstream_tcp=LOST), "upload_stalled", id="packets lost"),
        pytest.param(
            failed(Contact.REQUEST_UNANSWERED, upstream_tcp=LAST_MOMENT), "cut_in_use", id="unsent at the end"
        ),
        pytest.param(silent(Contact.REQUEST_UNANSWERED, upstream_tcp=QUIET), "no_answer_to_request", id="none lost"),
        pytest.param(silent(Contact.REQUEST_UNANSWERED, outcome=Outcome.IDLE_TIMEOUT), "idle_limit", id="short limit"),
        pytest.param(
            silent(Contact.REQUEST_UNANSWERED, outcome=Outcome.IDLE_TIMEOUT, total_ms=3.6e6),
            "no_answer_to_request",
            id="long limit",
        ),
        pytest.param(silent(Contact.REQUEST_UNANSWERED, outcome=Outcome.LIFETIME_OVER), "lifetime_over", id="its end"),
        pytest.param(
            silent(Contact.REQUEST_UNANSWERED, outcome=Outcome.LIFETIME_OVER, total_ms=3.6e6),
            "no_answer_to_request",
            id="its end after long silence",
        ),
        pytest.param(failed(Contact.REQUEST_UNANSWERED), "cut_in_use", id="cut"),
        pytest.param(
            failed(Contact.REQUEST_UNANSWERED, upstream_records=[(22, 122), (20, 1), (23, 281), (23, 69), (23, 19)]),
            "server_refused_after_handshake",
            id="TLS ended in order",
        ),
        pytest.param(failed(Contact.REQUEST_UNANSWERED, client_tcp=UNREAD), "cut_in_use", id="bytes just sent"),
        *(
            pytest.param(
                failed(Contact.REQUEST_UNANSWERED, client_records=[(20, 1), (23, empty), (23, 85), (23, 200)]),
                "client_certificate_wanted",
                id=f"an empty certificate of {empty}",
            )
            for empty in (25, 41)
        ),
        pytest.param(
            failed(Contact.REQUEST_UNANSWERED, client_records=[(20, 1), (23, 69), (23, 25)]),
            "cut_in_use",
            id="a request as short as an empty certificate",
        ),
    ],
)
def test_what_became_of_a_request(made: TunnelRecord, code: str) -> None:
    assert found(made)[0] == code


def test_a_record_that_may_be_an_answer_makes_less_sure() -> None:
    flight = [(22, 122), (20, 1), (23, 23), (23, 4013), (23, 281), (23, 69)]

    assert found(failed(Contact.REQUEST_UNANSWERED, upstream_records=flight)) == ("cut_in_use", "likely")
    behind = [*flight, (23, 517)]
    assert found(failed(Contact.REQUEST_UNANSWERED, upstream_records=behind)) == ("cut_in_use", "possible")


@pytest.mark.parametrize(
    ("client_last", "upstream_last", "code"),
    [
        pytest.param(4090.0, 4091.0, "no_answer_to_request", id="the client gave up, and the target said goodbye"),
        pytest.param(4091.0, 4090.0, "server_refused_after_handshake", id="the target ended TLS"),
    ],
)
def test_who_said_goodbye_first_tells_silence_from_a_refusal(
    client_last: float, upstream_last: float, code: str
) -> None:
    made = failed(
        Contact.REQUEST_UNANSWERED, client_records=[(20, 1), (23, 69), (23, 200), (23, 19)], total_ms=4100.0,
        upstream_records=[(22, 122), (20, 1), (23, 23), (23, 843), (23, 69), (23, 250), (23, 250), (23, 19)],
        relay_ms=4000.0, client_last_ms=client_last, upstream_last_ms=upstream_last,
    )  # fmt: skip

    assert found(made) == (code, "likely")


def test_a_goodbye_after_the_clients_silent_end_is_no_refusal() -> None:
    """A client that gives up need not say so in TLS, and the target then says goodbye."""
    made = failed(
        Contact.REQUEST_UNANSWERED, client_records=[(20, 1), (23, 69), (23, 200)], total_ms=2013.3, relay_ms=1990.0,
        upstream_records=[(22, 122), (20, 1), (23, 23), (23, 843), (23, 69), (23, 250), (23, 250), (23, 19)],
        client_last_ms=42.8, upstream_last_ms=2013.2, ended_first=Party.CLIENT,
    )  # fmt: skip

    assert found(made) == ("no_answer_to_request", "likely")


def test_the_wait_for_an_answer_ends_when_its_client_gives_up() -> None:
    made = failed(
        Contact.REQUEST_UNANSWERED, Outcome.HALF_CLOSED_TIMEOUT, client_records=[(23, 69), (23, 200), (23, 19)],
        client_last_ms=5100.0, upstream_last_ms=100.0, total_ms=65_100.0, relay_ms=65_000.0,
    )  # fmt: skip

    assert found(made) == ("no_answer_to_request", "likely")
    assert "nothing came for 5.0 s" in made.evidence


def test_silence_after_a_record_that_may_be_an_answer_is_not_likely() -> None:
    flight = [(22, 122), (20, 1), (23, 2544)]
    one = silent(Contact.REQUEST_UNANSWERED, upstream_records=[*flight, (23, 2462)])

    assert found(one) == ("no_answer_to_request", "possible")
    again = silent(Contact.REQUEST_UNANSWERED, upstream_records=[*flight, (23, 2462)])
    assert found(again, look(TargetVerdict.PUBLIC, ticket_bytes=(2462,))) == ("no_answer_to_request", "likely")


@pytest.mark.parametrize(
    ("behind", "certainty"),
    [
        pytest.param([250, 250], "likely", id="tickets"),
        pytest.param([266, 250], "likely", id="tickets a block apart"),
        pytest.param([250, 250, 250], "possible", id="one of three may be an answer"),
        pytest.param([250, 250, 18, 18, 18], "possible", id="many short records"),
    ],
)
def test_several_records_of_one_length_are_tickets(behind: list[int], certainty: str) -> None:
    flight = [(22, 122), (20, 1), (23, 23), (23, 4013), (23, 281), (23, 69)]
    made = failed(Contact.REQUEST_UNANSWERED, upstream_records=[*flight, *((23, length) for length in behind), (22, 1)])

    assert found(made) == ("cut_in_use", certainty)


@pytest.mark.parametrize(("alpn", "certainty"), [(("h2", "http/1.1"), "possible"), ((), "likely")], ids=["h2", "none"])
def test_short_records_of_http2_may_be_an_answer(alpn: tuple[str, ...], certainty: str) -> None:
    records = [(22, 80), (20, 1), (22, 40), (23, 51), (23, 33), (23, 70)]
    made = failed(Contact.REQUEST_UNANSWERED, tls_negotiated="1.2", alpn=alpn, upstream_records=records)

    assert found(made) == ("cut_in_use", certainty)


def test_a_look_that_met_a_wish_for_a_certificate_is_evidence() -> None:
    report = look(TargetVerdict.CLIENT_CERTIFICATE)

    assert found(silent(Contact.REQUEST_UNANSWERED), report) == ("client_certificate_wanted", "likely")
    assert found(failed(Contact.HANDSHAKE_UNUSED), report) == ("client_certificate_wanted", "possible")
    assert found(failed(Contact.ANSWERED, answered_ms=100.0), report)[0] == "transport_fine"


@pytest.mark.parametrize("negotiated", ["1.2", "1.3"])
def test_an_answer_is_certain_only_where_it_can_be_told(negotiated: str) -> None:
    made = failed(Contact.ANSWERED, tls_negotiated=negotiated, answered_ms=200.0)

    assert found(made) == ("transport_fine", "certain" if negotiated == "1.2" else "likely")


def test_an_empty_certificate_does_not_matter_once_answered() -> None:
    made = failed(Contact.ANSWERED, client_records=[(20, 1), (23, 25), (23, 69), (23, 200)], answered_ms=200.0)

    assert found(made)[0] == "transport_fine"


@pytest.mark.parametrize("first", [Party.CLIENT, Party.UPSTREAM])
@pytest.mark.parametrize("outcome", [Outcome.CLOSED_BY_CLIENT, Outcome.CLOSED_BY_UPSTREAM])
@pytest.mark.parametrize("contact", list(Contact))
def test_who_ended_first_changes_no_finding(contact: Contact, outcome: Outcome, first: Party) -> None:
    usual = found(failed(contact))

    assert found(failed(contact, outcome, ended_first=first)) == usual


def test_an_answer_that_the_target_resets_is_a_cut() -> None:
    cut = failed(Contact.ANSWERED, Outcome.RESET_BY_UPSTREAM, client_last_ms=60.0, upstream_last_ms=130.0)
    late = failed(Contact.ANSWERED, Outcome.RESET_BY_UPSTREAM, client_last_ms=135.0, upstream_last_ms=130.0)

    assert found(cut) == ("cut_in_use", "possible")
    assert found(late)[0] == "transport_fine", "the client had said goodbye"


def test_seconds_lost_on_ipv6_are_named_even_if_all_went_well() -> None:
    attempts = [DialAttempt("2001:db8::1", 2500.0, "ECANCELED"), DialAttempt("192.0.2.1", 24.0)]
    made = failed(Contact.ANSWERED, attempts=attempts, dial_ms=2600.0, answered_ms=2900.0)

    assert found(made) == ("ipv6_broken", "likely")


def test_an_answer_far_above_the_usual_is_slow() -> None:
    quick = failed(Contact.ANSWERED, answered_ms=300.0)

    assert found(failed(Contact.ANSWERED, answered_ms=5000.0), before=(quick,)) == ("slow_server", "possible")
    assert found(failed(Contact.ANSWERED, answered_ms=5000.0))[0] == "transport_fine", "nothing is known of it"
    assert found(failed(Contact.ANSWERED, answered_ms=15_000.0))[0] == "slow_server"


def test_a_tunnel_kept_open_after_its_answer_is_no_problem() -> None:
    assert found(failed(Contact.ANSWERED, Outcome.IDLE_TIMEOUT, answered_ms=200.0))[0] == "idle_kept"


def test_a_tunnel_cut_by_its_lifetime_is_named_if_it_was_in_use() -> None:
    in_use = failed(Contact.ANSWERED, Outcome.LIFETIME_OVER, answered_ms=200.0)
    fell_silent = silent(Contact.ANSWERED, outcome=Outcome.LIFETIME_OVER, answered_ms=200.0)
    without_answer = silent(Contact.HELLO_UNANSWERED, outcome=Outcome.LIFETIME_OVER)

    assert found(in_use) == ("lifetime_over", "likely")
    assert found(fell_silent)[0] == "transport_fine"
    assert found(without_answer)[0] == "silent_after_hello"


def test_a_target_without_tls_is_quoted() -> None:
    finding = Diagnosis().explain(failed(Contact.NOT_TLS, target_said="HTTP/1.1 403 Forbidden"))

    assert finding is not None
    assert (finding.code, finding.certainty) == ("target_not_tls", "certain")
    assert "HTTP/1.1 403 Forbidden" in finding.evidence


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.CUT_BY_STOP, "gate_stopped"),
        (Outcome.REVOKED, "access_ended"),
        (Outcome.ENDED_BY_OPERATOR, "access_ended"),
        (Outcome.INTERNAL_ERROR, "internal_error"),
    ],
)
def test_a_tunnel_that_the_gate_ended_is_the_gates_matter(outcome: Outcome, code: str) -> None:
    assert found(failed(Contact.REQUEST_UNANSWERED, outcome)) == (code, "certain")


def test_a_tunnel_whose_bytes_were_not_judged_has_no_finding() -> None:
    assert found(failed(None)) == ("", "")
