"""The language of a refusal: what the request asks for, else English."""

import pytest

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.language.language import ENGLISH, JAPANESE, Language
from licensegate.proxy.protocol.commands import Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.records.outcome import Outcome
from support.conversation_harness import start_conversation


def asked_in(field: bytes, target: bytes = b"tools.cisco.com:443") -> tuple[Conversation, object]:
    conversation = start_conversation(explain=Diagnosis().explain)
    return conversation, conversation.received(b"CONNECT " + target + b" HTTP/1.1\r\n" + field + b"\r\n")


def body(command: object) -> str:
    assert isinstance(command, Refuse)
    return command.answer.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize(
    ("field", "language"),
    [
        pytest.param(b"Accept-Language: ja,en-US;q=0.9\r\n", JAPANESE, id="Japanese"),
        pytest.param(b"accept-language: en\r\nAccept-Language: ja;q=0.4\r\n", ENGLISH, id="two fields"),
        pytest.param(b"Accept-Language: \xe6\x97\xa5\xe6\x9c\xac\r\n", ENGLISH, id="no language"),
        pytest.param(b"", ENGLISH, id="no field"),
    ],
)
def test_a_refused_target_is_explained_in_the_language_asked_for(field: bytes, language: Language) -> None:
    conversation, command = asked_in(field, b"example.com:443")
    record = conversation.record
    words = f"{record.sentence(language)} {record.remedy(language)}"
    assert body(command) == f"LicenseGate: {words} (target_not_allowed, {record.id})\n"


def test_the_language_is_known_when_a_dial_fails_later() -> None:
    conversation, _ = asked_in(b"Accept-Language: ja\r\n")
    command = conversation.dial_failed(Outcome.CONNECTION_TIMEOUT, "192.0.2.1")
    assert body(command).startswith("LicenseGate: tools.cisco.com:443は時間内に応答しませんでした（192.0.2.1）。")


def test_the_finding_and_the_record_of_a_japanese_refusal_stay_english() -> None:
    conversation, _ = asked_in(b"Accept-Language: ja\r\n", b"example.com:443")
    assert conversation.record.sentence() == "example.com:443 is not in the allowlist."
    assert conversation.record.finding == "target_not_allowed"
