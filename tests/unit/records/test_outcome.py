"""Rules that every row of the outcome table keeps, and its page in the documentation."""

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.records.outcome import Outcome, Party, Stage

ROOT = Path(__file__).parents[3]

STATUSES = {0, 200, 400, 403, 405, 407, 408, 414, 429, 431, 500, 502, 503, 504, 505}

PROXY_ERROR_TYPES = {  # RFC 9209 section 2.3, in its order
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_alert_received",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_response_header_size",
    "http_response_body_size",
    "http_response_trailer_section_size",
    "http_response_trailer_size",
    "http_response_transfer_coding",
    "http_response_content_coding",
    "http_response_timeout",
    "http_upgrade_failed",
    "http_protocol_error",
    "proxy_internal_response",
    "proxy_internal_error",
    "proxy_configuration_error",
    "proxy_loop_detected",
}

every_row = pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)


def placeholders(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}


@every_row
def test_label_is_the_member_name_in_lower_case(outcome: Outcome) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z]+)*", outcome.label)
    assert outcome.label == outcome.name.lower()
    assert outcome.value == outcome.label, "what a record is encoded to"


@every_row
def test_stage_party_and_status_are_known_values(outcome: Outcome) -> None:
    assert isinstance(outcome.stage, Stage)
    assert isinstance(outcome.ended_by, Party)
    assert outcome.status in STATUSES


@every_row
def test_error_types_are_those_of_rfc_9209(outcome: Outcome) -> None:
    assert outcome.error in PROXY_ERROR_TYPES | {""}


@every_row
def test_every_error_status_has_an_error_type(outcome: Outcome) -> None:
    assert outcome.error or outcome.status < 400


@every_row
def test_sentence_and_remedy_are_whole_sentences(outcome: Outcome) -> None:
    for text in (outcome.sentence, outcome.remedy):
        assert text[0].isupper() or text[0] == "{"
        assert text.endswith(".")
        assert text.isascii()
        assert text.isprintable()


@every_row
def test_placeholders_are_keys_of_the_record(outcome: Outcome) -> None:
    assert placeholders(outcome.sentence) <= {"client", "target", "listener", "detail"}
    assert placeholders(outcome.remedy) <= {"client", "target", "listener", "detail"}


@every_row
def test_status_200_means_an_open_tunnel_or_a_health_check(outcome: Outcome) -> None:
    is_open = outcome.stage in {Stage.INNER_HELLO, Stage.RELAY}
    assert (outcome.status == 200) == (is_open or outcome is Outcome.HEALTH_ASKED)


@every_row
def test_no_status_before_the_clients_protocol_is_known(outcome: Outcome) -> None:
    if outcome.stage is Stage.HELLO:
        assert (outcome.status, outcome.error) == (0, "")


@every_row
def test_no_error_answer_to_a_client_that_left(outcome: Outcome) -> None:
    if outcome.ended_by is Party.CLIENT:
        assert outcome.status in {0, 200}


def test_every_row_has_a_sentence_of_its_own() -> None:
    assert len({outcome.sentence for outcome in Outcome}) == len(Outcome)


def test_the_page_is_what_its_script_prints() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "outcomes_page.py"], capture_output=True, text=True, check=True
    )

    page = (ROOT / "docs" / "outcomes.md").read_text()
    assert page == made.stdout, "run: python scripts/outcomes_page.py > docs/outcomes.md"


def test_every_stage_has_a_part_of_the_page_in_order() -> None:
    page = (ROOT / "docs" / "outcomes.md").read_text()

    assert re.findall(r"^Stage `(\w+)`: ", page, re.MULTILINE) == list(Stage)


def test_every_outcome_has_one_entry_on_the_page() -> None:
    page = (ROOT / "docs" / "outcomes.md").read_text()

    assert sorted(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == sorted(outcome.label for outcome in Outcome)
