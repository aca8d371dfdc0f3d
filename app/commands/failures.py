"""Groups the failed connections of a log: what is the same client, target and finding is one failure. Pure."""

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from licensegate.app.overview.words import certainty_word
from licensegate.diagnosis.codes import PROBLEMS, Code
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.wording import code_of, finding_of
from licensegate.language.columns import filled, padded
from licensegate.language.language import ENGLISH, Language
from licensegate.language.phrases import OR
from licensegate.records.finding import Certainty
from licensegate.records.log_reader import LogEntry
from licensegate.records.record import LoginResult, TunnelRecord
from licensegate.records.summary import RecordSummary

_WIDTH: Final = 120
_INDENT: Final = 4
_TITLE_WIDTH: Final = 16

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Failure(Struct):
    """One failure: the words are those of its newest connection, `answered` is when the target last answered later."""

    client: str
    target: str
    finding: str
    certainty: Certainty
    sentence: str
    evidence: str
    remedy: str
    cucm: tuple[str, ...]
    first: datetime
    last: datetime
    times: int = 0
    answered: datetime | None = None
    record: str = ""


class Failures:
    """The failures in a log, read from its beginning to its end.

    `client` leaves out other clients, `since` what was before; the words are in `language`. `connections` counts what
    was judged, `answered` those whose target answered.
    """

    def __init__(
        self, client: Network | None = None, since: datetime | None = None, language: Language = ENGLISH
    ) -> None:
        self._client = client
        self._since = since
        self.language = language
        self._diagnosis = Diagnosis()
        self._found: dict[tuple[str, str, str], Failure] = {}
        self._newest: datetime | None = None
        self.connections = 0
        self.answered = 0

    def add(self, entry: LogEntry) -> None:
        """Judge one line of the log. A record that has a finding keeps it."""
        count, record = (entry.count, _as_record(entry)) if isinstance(entry, RecordSummary) else (1, entry)
        if record.event != "end":
            return
        self._diagnosis.observe([record])
        self._newest = record.time if self._newest is None else max(self._newest, record.time)
        if (self._since is not None and record.time < self._since) or not self._is_of_client(record.client):
            return
        self.connections += count
        if record.finding in PROBLEMS:
            self._note(record, count)
        else:
            self._note_success(record, count)

    @property
    def newest_first(self) -> list[Failure]:
        """All failures, the one that was met last first; then the clients that were silent when the log ended."""
        found = sorted(self._found.values(), key=lambda failure: failure.last, reverse=True)
        return [*found, *self._silent()]

    def _silent(self) -> Iterator[Failure]:
        if self._newest is None:
            return
        code = Code.NEVER_ARRIVED
        for client, finding in self._diagnosis.silent(self._newest, self.language):
            if self._is_of_client(client):
                yield Failure(
                    client, "", code.label, finding.certainty, finding.sentence, finding.evidence, finding.remedy,
                    code.cucm, self._newest, self._newest,
                )  # fmt: skip

    def _note(self, record: TunnelRecord, count: int) -> None:
        finding = finding_of(record, self.language)
        if finding is None:
            return
        key = record.client, record.target, finding.code
        known = self._found.get(key)
        code = code_of(finding.code)
        self._found[key] = Failure(
            record.client,
            record.target or record.requested,
            finding.code,
            finding.certainty,
            finding.sentence,
            finding.evidence,
            finding.remedy,
            () if code is None else code.cucm,
            record.time if known is None else known.first,
            record.time,
            count + (0 if known is None else known.times),
            record=record.id,
        )

    def _note_success(self, record: TunnelRecord, count: int) -> None:
        client = record.client
        if record.login_result is LoginResult.ACCEPTED:
            # It sends its login once it is asked, as most clients do.
            for key in [key for key in self._found if key[0] == client and key[2] == Code.LOGIN_NOT_SENT.label]:
                if self._found[key].certainty is Certainty.POSSIBLE:
                    del self._found[key]
        if record.finding == Code.TRANSPORT_FINE.label:
            self.answered += count
            for failure in self._found.values():
                if (failure.client, failure.target) == (client, record.target):
                    failure.answered = record.time

    def _is_of_client(self, client: str) -> bool:
        if self._client is None:
            return True
        try:
            network = ipaddress.ip_network(client.partition("%")[0])
        except ValueError:
            return False
        inside = self._client
        return (
            network.version == inside.version
            and network.network_address in inside
            and network.broadcast_address in inside
        )


def _as_record(summary: RecordSummary) -> TunnelRecord:
    """The record that each connection of a summary had, as far as it is known."""
    record = TunnelRecord(summary.schema, "end", "", summary.time, summary.client, 0, "", target=summary.target)
    if summary.outcome is not None:
        record.end(summary.outcome)
    return record


def in_text(failures: Failures) -> str:
    """The failures for an administrator, the newest first."""
    found, language = failures.newest_first, failures.language
    if not found:
        return language.gettext("{connections}. Nothing failed.").format(connections=_connections(failures))
    blocks = [_block(failure, language) for failure in found]
    number = language.ngettext("{n} failure", "{n} failures", len(found)).format(n=len(found))
    last = language.gettext("{connections}; {failures}.").format(connections=_connections(failures), failures=number)
    return "\n\n".join([*blocks, last])


def _connections(failures: Failures) -> str:
    number = failures.connections
    words = failures.language.ngettext(
        "{n} connection, {answered} of them answered", "{n} connections, {answered} of them answered", number
    )
    return words.format(n=number, answered=failures.answered)


def _block(failure: Failure, language: Language) -> str:
    certainty = certainty_word(failure.certainty, language)
    head = language.gettext("{client} to {target}") if failure.target else "{client}"
    who = head.format(client=failure.client or language.gettext("a client"), target=failure.target)
    rows = (
        (language.gettext("What happened"), failure.sentence),
        (language.gettext("What was seen"), _seen(failure, language)),
        (language.gettext("What to change"), failure.remedy),
        (language.gettext("CUCM shows"), language.gettext(OR).join(map(language.gettext, failure.cucm))),
    )
    lines = [f"{who}: {failure.finding}, {certainty}", f"{' ' * _INDENT}{_when(failure, language)}"]
    return "\n".join([*lines, *(_row(name, text, language) for name, text in rows if text)])


def _when(failure: Failure, language: Language) -> str:
    when = language.gettext("at {last}")
    if failure.times > 1:
        when = language.gettext("{n} times, from {first} to {last}")
    said = when.format(n=failure.times, first=_utc(failure.first), last=_utc(failure.last))
    if failure.answered is None:
        return said
    return said + language.gettext("; answered again at {time}").format(time=_utc(failure.answered))


def _seen(failure: Failure, language: Language) -> str:
    """The evidence as a sentence; empty if what happened says it already, as the words of an outcome do."""
    evidence = failure.evidence
    if evidence.lower() in failure.sentence.lower():
        return ""
    return language.gettext("{evidence}.").format(evidence=evidence[0].upper() + evidence[1:])


def _row(name: str, text: str, language: Language) -> str:
    title = language.gettext("{title}:").format(title=name)
    return filled(text, _WIDTH, " " * _INDENT + padded(title, _TITLE_WIDTH))


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def judged(
    entries: Iterable[LogEntry],
    client: Network | None = None,
    since: datetime | None = None,
    language: Language = ENGLISH,
) -> Failures:
    """The failures of these entries."""
    failures = Failures(client, since, language)
    for entry in entries:
        failures.add(entry)
    return failures
