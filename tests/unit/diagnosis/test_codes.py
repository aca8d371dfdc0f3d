"""The table of findings: its labels are a contract, its words are for people."""

import re
import string

import pytest

from licensegate.diagnosis.codes import OF_OUTCOME, Code, CucmMessage
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.wording import code_of, finding_of
from licensegate.records.finding import Certainty
from licensegate.records.outcome import PROBES, Outcome, Stage
from support.diagnosed import refused

BY_NAME = """
never_arrived source_not_allowed gateway_mode not_a_proxy_request http_url https_without_connect
tls_to_proxy_untrusted direct_without_sni target_is_url login_not_sent java_refuses_basic
java_refuses_md5 login_wrong login_scheme login_limited dns_empty dns_sinkhole private_not_allowed
unreachable client_impatient ipv6_broken slow_server parent_login_missing parent_login_wrong
parent_cannot_reach parent_portal parent_not_a_proxy parent_timeout parent_tunnel_dead
target_not_tls intercepted missing_root client_clock wrong_name server_expired server_not_yet_valid
self_signed incomplete_chain onprem_untrusted revocation_blocked client_too_old server_too_old
no_common_cipher server_closed_on_hello server_refused_hello reset_in_handshake
server_refused_after_handshake silent_after_hello stalled_in_handshake hello_stalled head_stalled
client_silent client_deaf client_certificate_wanted no_answer_to_request upload_stalled cut_in_use
idle_limit idle_kept handshake_only client_left transport_fine gate_full client_full gate_draining
gate_stopped gate_clock unknown target_in_preset connection_refused parent_refused dns_not_found
"""

every_code = pytest.mark.parametrize("code", Code, ids=lambda code: code.label)


def placeholders(template: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(template)}


@pytest.mark.parametrize("label", BY_NAME.split())
def test_every_promised_code_is_in_the_table(label: str) -> None:
    assert label in {code.label for code in Code}


@every_code
def test_label_of_a_code_is_its_name_in_lower_case(code: Code) -> None:
    assert code.label == code.name.lower()
    assert code.value == code.label
    assert code_of(code.label) is code


@every_code
def test_words_of_a_code_are_its_own_or_its_outcomes(code: Code) -> None:
    if len(code.outcomes) > 1:
        assert (code.sentence, code.remedy) == ("", "")
    else:
        assert re.fullmatch(r"[A-Z{].*\.", code.sentence)
        assert re.fullmatch(r"[A-Z`{].*\.", code.remedy)
    for template in (code.sentence, code.remedy):
        assert placeholders(template) <= {"client", "target", "listener", "detail", None}


@every_code
def test_a_code_has_a_certainty_and_what_cucm_shows(code: Code) -> None:
    assert isinstance(code.certainty, Certainty)
    assert all(isinstance(message, CucmMessage) for message in code.cucm)


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)
def test_every_outcome_without_an_answer_has_a_finding(outcome: Outcome) -> None:
    made = refused(outcome, method="CONNECT", requested="/", target="tools.cisco.com:443", addresses=["10.1.1.1"])
    finding = Diagnosis().explain(made)

    if outcome in PROBES or (outcome.stage is Stage.RELAY):
        assert finding is None, "a probe, or a tunnel whose bytes were not judged"
    else:
        assert finding is not None
        assert finding.sentence.endswith(".")
        assert finding.remedy.endswith(".")
        assert not re.search(r"[{}]", finding.sentence + finding.remedy)


def test_no_outcome_has_two_findings() -> None:
    assert sum(len(code.outcomes) for code in Code) == len(OF_OUTCOME)


def test_a_code_of_a_newer_release_has_the_outcomes_words() -> None:
    made = refused(Outcome.CONNECTION_REFUSED, finding="later_invention", certainty=Certainty.LIKELY)
    finding = finding_of(made)

    assert finding is not None
    assert finding.code == "later_invention"
    assert finding.sentence == made.sentence()
