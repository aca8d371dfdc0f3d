"""From a client's file in the ledger and its last connections to its page, and to the evidence of a month. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from licensegate.language.language import JAPANESE, N_, Language
from licensegate.language.phrases import reworded
from licensegate.ledger.dossier import LedgerDay, MonthEvidence
from licensegate.ledger.entries import ContactEntry, ManualEntry, ProductEntry, TextEntry
from licensegate.ledger.standing import ClientStanding
from licensegate.licensing.clocks import Level, days_until
from licensegate.licensing.meaning import explain
from licensegate.licensing.report import Reading
from licensegate.licensing.state_words import state_word
from licensegate.licensing.states import effect_of, override_of, state_of

from .causes import cause_named
from .client_rows import KnownClient, failed_last
from .clients import (
    ClientRow,
    ContactRow,
    DayRow,
    EntitlementRow,
    EvidenceSheet,
    LicenseStateRow,
    ManualRow,
    ProductTextRow,
    ProgramRow,
)
from .words import NAME_OF_LEVEL, level_word, manual_word, target_word

_ASKED_LATER: Final = timedelta(minutes=1)
_NO_DAYS: Final = N_("an unknown number of")
_NO_DATE: Final = N_("an unknown date")


def day_rows(days: Iterable[LedgerDay]) -> list[DayRow]:
    """The rows of these days."""
    return [
        DayRow(
            day=each.day,
            connections=each.connections,
            answered=each.answered,
            failed=each.failed,
            from_client=each.from_client,
            to_client=each.to_client,
        )
        for each in days
    ]


def contact_rows(contacts: Iterable[ContactEntry], client: str, language: Language) -> list[ContactRow]:
    """The contacts of this client with each target."""
    return [
        ContactRow(
            target=target_word(entry.target, language),
            first_success=entry.first_success,
            last_success=entry.last_success,
            last_failure=entry.last_failure,
            outcome=entry.outcome,
            finding=entry.finding,
            sentence=cause_named(entry.finding, entry.outcome, language, client, entry.target).sentence
            if failed_last(entry.last_success, entry.last_failure)
            else "",
        )
        for entry in contacts
    ]


def manual_rows(entries: Iterable[ManualEntry], language: Language) -> list[ManualRow]:
    """What was done by hand."""
    return [
        ManualRow(
            what=entry.what.value,
            word=manual_word(entry.what, language),
            time=entry.time,
            recorded=entry.recorded,
            recorded_by=entry.recorded_by,
            note=entry.note,
        )
        for entry in entries
    ]


def program_rows(known: KnownClient) -> Iterator[ProgramRow]:
    """The programs behind the client's recent addresses."""
    for address, client in known.recent:
        for fingerprint, program in reversed(client.programs.items()):
            yield ProgramRow(
                address=address,
                user_agent=fingerprint.user_agent,
                http_version=fingerprint.http_version,
                fields=fingerprint.fields,
                host_form=fingerprint.host_form or "",
                server_name_sent=program.server_name_sent,
                alpn=program.alpn,
                tls_version=program.tls_version,
                refusal_taken=program.refusal_taken or "",
                connections=program.connections,
                first_seen=program.first,
                last_seen=program.last,
            )


def state_row(
    product: ProductEntry | None,
    text: TextEntry | None,
    reading: Reading | None,
    family: str,
    standing: ClientStanding,
    language: Language,
    now: datetime,
) -> LicenseStateRow | None:
    """What the product said last: the gate's question to it, or a text. `reading` is that of the text."""
    if text is None or reading is None:
        return None if product is None else _asked(product, family, standing, language, now)
    if product is not None and product.said - (text.printed or text.kept) > _ASKED_LATER:
        return _asked(product, family, standing, language, now, _entitlements(reading, language))
    return _printed(text, reading, family, language, now)


def text_row(text: TextEntry | None, reading: Reading | None, language: Language) -> ProductTextRow | None:
    """A text that somebody brought."""
    if text is None:
        return None
    notes = [] if reading is None else [reworded(note, language) for note in reading.notes]
    return ProductTextRow(received=text.kept, recorded_by=text.kept_by, text=text.text, notes=notes)


def evidence_sheet(
    month: MonthEvidence, client: ClientRow, language: Language, gate: str, ledger: str
) -> EvidenceSheet:
    """The sheet of a month."""
    days = day_rows(month.days)
    return EvidenceSheet(
        language=language.code,
        made_at=month.made,
        client=client,
        month=month.month,
        days=days,
        targets=contact_rows(month.failures, client.name, language),
        manual=manual_rows(month.manual, language),
        connections=sum(day.connections for day in days),
        answered=sum(day.answered for day in days),
        failed=sum(day.failed for day in days),
        days_with_contact=month.days_with_contact,
        longest_gap_days=month.longest_gap_days,
        gate=gate,
        ledger=ledger,
    )


def _asked(
    product: ProductEntry,
    family: str,
    standing: ClientStanding,
    language: Language,
    now: datetime,
    entitlements: list[EntitlementRow] | None = None,
) -> LicenseStateRow | None:
    """What the product answered to the gate, or printed in a text that is no longer kept."""
    registration, authorization = product.registration_status, product.authorization_status
    if not registration or not authorization:
        return None
    row = state_of(registration, authorization)
    chosen = override_of(family, registration, authorization) or row
    due = standing.deadlines.get(row.clock or "evaluation")
    ends = standing.deadlines.get("authorization")
    fields = {
        "days": language.gettext(_NO_DAYS) if due is None else max(0, days_until(due.at, now)),
        "date": language.gettext(_NO_DATE) if ends is None else f"{ends.at:%Y-%m-%d}",
    }
    is_japanese = language is JAPANESE
    level = NAME_OF_LEVEL[Level[chosen.level.upper()]]
    return LicenseStateRow(
        said=product.said,
        by="product",
        registration=registration,
        authorization=authorization,
        registration_word=state_word(registration, language),
        authorization_word=state_word(authorization, language),
        level=level,
        level_word=level_word(level, language),
        meaning=(chosen.ja if is_japanese else chosen.en).format(**fields),
        remedy=row.do_ja if is_japanese else row.do_en,
        blocked=_blocked(family, language),
        source=chosen.source,
        entitlements=entitlements or [],
    )


def _printed(text: TextEntry, reading: Reading, family: str, language: Language, now: datetime) -> LicenseStateRow:
    """What a text says, as of now."""
    meaning = explain(reading, now, family=family).meaning
    registration = reading.report.registration.status or ""
    authorization = reading.report.authorization.status or ""
    level = NAME_OF_LEVEL[Level[meaning.level.upper()]]
    state, remedy, _ = meaning.words(language)
    return LicenseStateRow(
        said=text.printed or text.kept,
        by="text",
        registration=registration,
        authorization=authorization,
        registration_word=state_word(registration, language),
        authorization_word=state_word(authorization, language),
        level=level,
        level_word=level_word(level, language),
        meaning=state,
        remedy=remedy,
        blocked=_blocked(meaning.family or family, language),
        source=meaning.source,
        entitlements=_entitlements(reading, language),
    )


def _blocked(family: str, language: Language) -> str:
    effect = effect_of(family)
    if effect is None:
        return ""
    return effect.ja if language is JAPANESE else effect.en


def _entitlements(reading: Reading, language: Language) -> list[EntitlementRow]:
    return [
        EntitlementRow(
            name=each.name or each.tag or "",
            count=each.count,
            status=each.status or "",
            status_word=state_word(each.status or "", language),
        )
        for each in reading.report.entitlements
    ]
