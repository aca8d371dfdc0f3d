"""From what the ledger and the last connections tell of a client to its row: how it stands, and why."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.app.observers.recent import Client
from licensegate.diagnosis.codes import PROBLEMS
from licensegate.language.language import N_, Language
from licensegate.language.phrases import reworded
from licensegate.ledger.clients import ClientKey, ClientKind, NamedClient
from licensegate.ledger.entries import ContactEntry
from licensegate.ledger.naming import NamedBy
from licensegate.ledger.standing import ClientStanding
from licensegate.ledger.summaries import ClientSummary
from licensegate.licensing.clocks import Level, days_until
from licensegate.records.finding import Finding
from licensegate.records.record import TunnelRecord

from .causes import CauseWords, cause_named, cause_of
from .clients import ClientRow, DeadlineRow
from .deadlines import FIND_OUT, LATE, date_words, deadline_level, most_urgent
from .identities import key_text
from .words import NAME_OF_KIND, NAME_OF_LEVEL, certainty_word, deadline_word, kind_word, level_word

_MOST_ADDRESSES: Final = 8
_FORGOTTEN: Final = timedelta(days=120)
"""A client without a name that has been silent for so long has probably left."""

_ENFORCED: Final = N_("{client} has made no contact since {since}: something may be blocked on it since {date}.")
_SILENT: Final = N_("{client} is silent for longer than usual: its last contact was on {since}.")
_NEVER: Final = N_("No contact of {client} has been seen yet.")
_SAID_SO: Final = N_("The product of {client} says that its licences need attention.")
_LOOK: Final = N_("Look at the client's page: it says what the product reported.")


class KnownClient(Struct, frozen=True, kw_only=True):
    """Everything that the gate knows of one client.

    `given_name` is the name that somebody gave it, empty if nobody did. `recent` are the addresses that it came from
    lately, the newest first. `failed` is its contact with the newest failure. `silent` is the finding of its silence,
    `settings` its `[[client]]` there.
    """

    key: ClientKey
    given_name: str = ""
    product: str = ""
    standing: ClientStanding | None = None
    failed: ContactEntry | None = None
    recent: tuple[tuple[str, Client], ...] = ()
    silent: Finding | None = None
    settings: NamedClient | None = None

    @property
    def is_named(self) -> bool:
        """Whether somebody gave it a name, in the settings or by hand: then its product is known, too."""
        return self.key.kind is ClientKind.NAMED or bool(self.given_name)

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.given_name or self.key.name

    @property
    def last_contact(self) -> datetime | None:
        """Its last successful contact, by hand or on its own."""
        return None if self.standing is None else self.standing.last_contact

    @property
    def failure(self) -> TunnelRecord | None:
        """The record of its newest failure among its last connections."""
        found = [client.failure for _, client in self.recent if client.failure is not None]
        return max(found, key=ended, default=None)

    @property
    def last_failure(self) -> datetime | None:
        """Its last failed contact."""
        times = [] if self.failure is None else [ended(self.failure)]
        if self.standing is not None and self.standing.last_failure is not None:
            times.append(self.standing.last_failure)
        return max(times, default=None)

    @property
    def is_failing(self) -> bool:
        """Whether it failed after its last successful contact."""
        return failed_last(self.last_contact, self.last_failure)

    def level(self, now: datetime) -> Level:
        """How it stands. One without a name is never critical: its product is not known."""
        level = Level.UNKNOWN if self.standing is None else self.standing.level
        if self.standing is None and any(
            client.finding and client.finding not in PROBLEMS for _, client in self.recent
        ):
            level = Level.OK
        if self.is_failing or self.silent is not None:
            level = max(level, Level.WARNING)
        if self.is_named:
            return level
        last = max(filter(None, (self.last_contact, self.last_failure)), default=None)
        if last is not None and now - last > _FORGOTTEN:
            return Level.UNKNOWN
        return min(level, Level.WARNING)


def known_client(
    summary: ClientSummary, recent: tuple[tuple[str, Client], ...] = (), silent: Finding | None = None
) -> KnownClient:
    """What the ledger tells of a client, and its recent addresses."""
    client = summary.client
    return KnownClient(
        key=client.key,
        given_name=client.name if client.named_by is NamedBy.HAND else "",
        product=client.product,
        standing=summary.standing,
        failed=summary.failure,
        recent=recent,
        silent=silent if client.settings is None else None,
        settings=client.settings,
    )


def failed_last(success: datetime | None, failure: datetime | None) -> bool:
    """Whether the last contact failed, by the times of the last success and the last failure."""
    return failure is not None and (success is None or failure > success)


def ended(record: TunnelRecord) -> datetime:
    """When a connection ended: the time of a failure, in the ledger too."""
    return record.time + timedelta(milliseconds=record.total_ms or 0.0)


def client_row(known: KnownClient, language: Language, now: datetime) -> ClientRow:
    """The row of a client."""
    kind, level = NAME_OF_KIND[known.key.kind], NAME_OF_LEVEL[known.level(now)]
    standing, failure = known.standing, failure_words(known, language)
    deadlines = list(_deadlines(standing, language, now)) if standing is not None else []
    reason = _reason(known, failure, language, now) if level != "ok" else CauseWords()
    newest = known.recent[0][1] if known.recent else None
    finding, certainty, evidence = _finding(known)
    return ClientRow(
        key=key_text(known.key),
        kind=kind,
        kind_word=kind_word(kind, language),
        name=known.name,
        given_name=known.given_name,
        level=level,
        level_word=level_word(level, language),
        sentence=reason.sentence,
        remedy=reason.remedy,
        product=known.product,
        model="" if standing is None else standing.model,
        addresses=[address for address, _ in known.recent[:_MOST_ADDRESSES]],
        program="" if newest is None else newest.newest.user_agent,
        last_contact=known.last_contact,
        by_hand=standing is not None and standing.by_hand,
        last_seen=None if newest is None else newest.last,
        last_failure=known.last_failure,
        deadlines=deadlines,
        enforced=None if standing is None else standing.enforced,
        finding=finding,
        certainty=certainty,
        certainty_word=certainty_word(certainty or None, language),
        finding_sentence=failure.sentence,
        finding_remedy=failure.remedy,
        evidence=reworded(evidence, language),
    )


def failure_words(known: KnownClient, language: Language) -> CauseWords:
    """Why its last contact failed; empty if it did not."""
    if not known.is_failing:
        return CauseWords()
    if known.failure is not None and ended(known.failure) == known.last_failure:
        return cause_of(known.failure, language, client=known.name)
    entry = known.failed
    if entry is None:
        return CauseWords()
    return cause_named(entry.finding, entry.outcome, language, known.name, entry.target)


def _deadlines(standing: ClientStanding, language: Language, now: datetime) -> Iterator[DeadlineRow]:
    for name, due in sorted(standing.deadlines.items(), key=lambda item: item[1].at):
        length = due.rule.length
        yield DeadlineRow(
            name=name,
            word=deadline_word(name, language),
            meaning=language.gettext(due.rule.meaning),
            at=due.at,
            printed=due.printed,
            days_left=days_until(due.at, now),
            level=NAME_OF_LEVEL[deadline_level(name, due, now)],
            starts=due.at - length if length else None,
        )


def _finding(known: KnownClient) -> tuple[str, str, str]:
    """The label, the certainty and the evidence of what is known about its last connection."""
    if known.silent is not None:
        return known.silent.code, known.silent.certainty, known.silent.evidence
    for _, client in known.recent:
        if client.finding:
            return client.finding, client.certainty or "", client.evidence
    if known.is_failing and known.failed is not None:
        return known.failed.finding, "", ""
    return "", "", ""


def _reason(known: KnownClient, failure: CauseWords, language: Language, now: datetime) -> CauseWords:
    """Why it does not stand well. If its last contact failed, what to change is what made it fail.

    A failure explains a silence, but not a date that has come near.
    """
    sentence, remedy = _worst(known, now) or ("", "")
    if failure.sentence and sentence in ("", LATE, _SILENT):
        return failure
    if not sentence:
        sentence, remedy = (_NEVER, FIND_OUT) if known.last_contact is None else (_SAID_SO, _LOOK)
    return CauseWords(_filled(sentence, known, language, now), failure.remedy or language.gettext(remedy))


def _worst(known: KnownClient, now: datetime) -> tuple[str, str] | None:
    """The sentence and the remedy of the most urgent date or silence; None if neither is."""
    standing = known.standing
    if standing is None or standing.level <= Level.UNKNOWN:
        return (_SILENT, FIND_OUT) if known.silent is not None else None
    if standing.enforced is not None and standing.enforced <= now:
        return _ENFORCED, FIND_OUT
    if (words := date_words(standing, now)) is not None:
        return words
    usual, last = standing.longest_silence, standing.last_contact
    if usual is not None and last is not None and now - last > usual:
        return _SILENT, FIND_OUT
    return None


def _filled(sentence: str, known: KnownClient, language: Language, now: datetime) -> str:
    standing, date = known.standing, None
    if standing is not None:
        due = most_urgent(standing, now)
        enforced = standing.enforced
        date = enforced if enforced is not None and enforced <= now else None if due is None else due[1].at
    since = known.last_contact
    return language.gettext(sentence).format(
        client=known.name,
        date="" if date is None else f"{date:%Y-%m-%d}",
        since=language.gettext("the beginning of the ledger") if since is None else f"{since:%Y-%m-%d}",
    )
