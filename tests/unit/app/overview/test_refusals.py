"""Connections that failed, in the language of the page."""

from licensegate.app.overview.identities import ClientIdentity
from licensegate.app.overview.refusals import refusal_row
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.language.language import ENGLISH, JAPANESE
from licensegate.records.contact import Contact
from support.diagnosed import failed

IDENTITY = ClientIdentity("address:10.1.2.3", "10.1.2.3")


def test_sentence_evidence_and_remedy_are_in_the_language_of_the_page() -> None:
    diagnosis = Diagnosis()
    record = failed(Contact.HELLO_CUT)
    diagnosis.conclude(record)

    english = refusal_row(record, IDENTITY, diagnosis, ENGLISH, whole=True)
    japanese = refusal_row(record, IDENTITY, diagnosis, JAPANESE, whole=True)

    assert english.evidence == record.evidence
    assert "after the ClientHello" in english.evidence
    assert japanese.evidence.startswith("ClientHelloの")
    assert japanese.sentence.endswith("への接続は、ClientHelloの時点で応答なく切断されました。")
    assert japanese.record is not None
    assert japanese.record.evidence == record.evidence, "the record stays English"
