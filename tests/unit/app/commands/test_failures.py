"""Failed connections become failures: the same client, target and finding are one."""

import ipaddress
from typing import Any

from licensegate.app.commands.failures import Failure, in_text, judged
from licensegate.language.language import JAPANESE
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.log_reader import LogEntry
from licensegate.records.outcome import Outcome
from licensegate.records.record import SCHEMA, LoginResult, TunnelRecord
from licensegate.records.summary import RecordSummary
from support.diagnosed import failed, later, refused
from support.records import NOON, TARGETS, tunnel

ANSWERED: dict[str, Any] = {"contact": Contact.ANSWERED, "tls_negotiated": "1.3", "answered_ms": 200.0}


def cut(after: float = 0, client: str = "10.1.2.3") -> TunnelRecord:
    """A handshake that was cut, as the gate logged it."""
    return tunnel(
        after=after, client=client, finding="reset_in_handshake", certainty=Certainty.LIKELY, evidence="it was reset"
    )


def failures_of(*entries: LogEntry) -> list[Failure]:
    return judged(entries).newest_first


def test_connections_that_failed_alike_are_one_failure() -> None:
    (failure,) = failures_of(cut(), cut(after=60), cut(after=30))

    assert (failure.client, failure.target, failure.finding) == ("10.1.2.3", TARGETS[0], "reset_in_handshake")
    assert (failure.times, failure.first, failure.last) == (3, NOON, later(30))
    assert failure.cucm == ("communication send error",)


def test_the_newest_failure_comes_first() -> None:
    refusal = refused(Outcome.TARGET_IN_PRESET, "cucm", after=9, target="x:443")

    assert [failure.finding for failure in failures_of(cut(), refusal)] == ["target_in_preset", "reset_in_handshake"]


def test_records_of_an_older_release_are_judged_now() -> None:
    (failure,) = failures_of(failed(Contact.HELLO_CUT), refused(Outcome.CLOSED_UNUSED))

    assert (failure.finding, failure.certainty) == ("server_closed_on_hello", Certainty.CERTAIN)


def test_a_failure_says_when_the_target_answered_again() -> None:
    failures = judged([cut(), tunnel(after=90, **ANSWERED)])

    assert failures.newest_first[0].answered == later(90)
    assert (failures.connections, failures.answered) == (2, 1)


def test_a_summary_counts_all_its_connections() -> None:
    summary = RecordSummary(SCHEMA, "summary", NOON, 40, "10.1.2.3", Outcome.TARGET_NOT_ALLOWED, "evil.example:443")

    (failure,) = failures_of(summary)
    assert (failure.finding, failure.times) == ("target_not_allowed", 40)


def test_only_the_chosen_clients_and_times_are_judged() -> None:
    entries = [cut(), cut(after=60), cut(after=60, client="10.1.3.4")]

    assert len(judged(entries, ipaddress.ip_network("10.1.3.0/24")).newest_first) == 1
    assert judged(entries, ipaddress.ip_network("2001:db8::/32")).newest_first == []
    assert [failure.times for failure in judged(entries, since=later(30)).newest_first] == [1, 1]


def test_a_client_that_then_logs_in_has_no_failure() -> None:
    asked = refused(Outcome.LOGIN_REQUIRED, target=TARGETS[0])
    logged_in = tunnel(after=1, login_result=LoginResult.ACCEPTED, **ANSWERED)

    assert failures_of(asked, logged_in) == []
    assert len(failures_of(asked)) == 1


def test_the_text_repeats_no_evidence_that_the_sentence_has() -> None:
    refusal = refused(
        Outcome.TARGET_IN_PRESET, "cucm", target="x:443", finding="target_in_preset", certainty=Certainty.CERTAIN,
        evidence="cucm",
    )  # fmt: skip
    text = in_text(judged([refusal]))

    assert "but the preset cucm would allow it" in text
    assert "What was seen" not in text


def test_a_client_silent_when_the_log_ended_comes_last() -> None:
    regular = [tunnel(after=day * 86_400, **ANSWERED) for day in range(6)]
    last = cut(after=20 * 86_400, client="10.9.9.9")

    assert [failure.finding for failure in failures_of(*regular, last)] == ["reset_in_handshake", "never_arrived"]


def test_the_text_says_what_was_seen_and_what_to_change() -> None:
    text = in_text(judged([cut(), cut(after=60)]))

    first, when, *rows, _, total = text.splitlines()
    assert first == "10.1.2.3 to tools.cisco.com:443: reset_in_handshake, likely"
    assert when == "    2 times, from 2026-03-02 12:00:00 UTC to 2026-03-02 12:01:00 UTC"
    assert "    What was seen:  It was reset." in rows
    assert rows[0].startswith("    What happened:  The connection to tools.cisco.com:443 was cut")
    assert any(row.startswith("    What to change: Look for a firewall") for row in rows)
    assert "    CUCM shows:     communication send error" in rows
    assert total == "2 connections, 0 of them answered; 1 failure."
    assert all(len(line) <= 120 for line in text.splitlines())


def test_a_log_without_failures_says_so() -> None:
    assert in_text(judged([tunnel(**ANSWERED)])) == "1 connection, 1 of them answered. Nothing failed."


def test_text_is_in_the_language_of_its_reader() -> None:
    text = in_text(judged([cut(), cut(after=60)], language=JAPANESE))

    assert text.startswith(f"10.1.2.3から{TARGETS[0]}: reset_in_handshake, 可能性が高い\n    2回（2026-")
    assert f"    発生した事象：  {TARGETS[0]}への接続は、TLSハンドシェイクの途中で切断されました。\n" in text
    assert "    CUCMの表示：    通信送信エラー（communication send error）" in text
    assert text.endswith("\n\n接続2件、うち応答あり0件、失敗1件。")
