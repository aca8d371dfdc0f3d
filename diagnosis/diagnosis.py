"""Finds why a contact failed, from its record, what its client did before, and the last look at its target. No I/O."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.language.language import ENGLISH, Language
from licensegate.records.bounded import BoundedDict
from licensegate.records.contact import Contact
from licensegate.records.finding import Finding
from licensegate.records.outcome import PROBES, Outcome, Stage
from licensegate.records.record import LoginResult, TunnelRecord

from . import contacts, dials, logins, parents, requests
from .case import Case, Conclusion, RefusedFetch, usable
from .codes import OF_OUTCOME, Code
from .revocation import refused_fetch
from .silence import never_arrived
from .target_report import TargetReport
from .wording import finding_of

_CLIENTS: Final = 512
_TARGETS: Final = 512
_PROGRAMS: Final = 16
_CONTACTS: Final = 16
_WEIGHT: Final = 0.1  # of the newest answer in a target's usual time
_OFTEN: Final = timedelta(minutes=1)
"""How often a client, and the answer to a program, are noted as newest: doing so each time would cost as much again."""

_ONE_CONTACT: Final = timedelta(hours=1)
"""Connections within this time are one contact: a message takes several, and their gaps are no rhythm."""

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

_RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion | None]]] = {
    **requests.RULES,
    **logins.RULES,
    **dials.RULES,
    **parents.RULES,
    **{outcome: contacts.of_tunnel for outcome in Outcome if outcome.stage is Stage.RELAY},
}

_WORTH_A_LOOK: Final = frozenset(
    code.label
    for code in (
        Code.CERTIFICATE_REJECTED, Code.INTERCEPTED, Code.MISSING_ROOT, Code.CLIENT_CLOCK, Code.WRONG_NAME,
        Code.SERVER_EXPIRED, Code.SERVER_NOT_YET_VALID, Code.SELF_SIGNED, Code.INCOMPLETE_CHAIN, Code.ONPREM_UNTRUSTED,
        Code.GATE_CLOCK, Code.HANDSHAKE_ONLY, Code.RESET_IN_HANDSHAKE, Code.STALLED_IN_HANDSHAKE,
        Code.SILENT_AFTER_HELLO, Code.SERVER_CLOSED_ON_HELLO, Code.SERVER_REFUSED_HELLO, Code.SERVER_TOO_OLD,
        Code.NO_COMMON_CIPHER, Code.TARGET_NOT_TLS, Code.PARENT_TUNNEL_DEAD, Code.CLIENT_CERTIFICATE_WANTED,
        Code.SERVER_REFUSED_AFTER_HANDSHAKE, Code.UNKNOWN,
    )
)  # fmt: skip


class _Client:
    """What is remembered of one client."""

    __slots__ = (
        "address", "answered", "answered_until", "contact_until", "contacts", "has_logged_in", "noted_until",
        "refused_fetch",
    )  # fmt: skip

    def __init__(self, address: str) -> None:
        self.address = address
        self.noted_until = self.answered_until = self.contact_until = _LONG_AGO
        self.has_logged_in = False
        self.refused_fetch: RefusedFetch | None = None
        self.answered: BoundedDict[tuple[str, str], datetime] = BoundedDict(_PROGRAMS)  # by target and program
        self.contacts: deque[datetime] = deque(maxlen=_CONTACTS)


class _Usual:
    """How long a target usually takes to answer a program, in milliseconds. The program's own pace is in it."""

    __slots__ = ("ms",)

    def __init__(self, ms: float) -> None:
        self.ms = ms


class Diagnosis:
    """One per gate. It remembers the most recent clients (by address, or /64) and the newest look at each target."""

    def __init__(self) -> None:
        self._clients: BoundedDict[str, _Client] = BoundedDict(_CLIENTS)
        self._reports: BoundedDict[str, TargetReport] = BoundedDict(_TARGETS)
        self._usual: BoundedDict[tuple[str, str], _Usual] = BoundedDict(_TARGETS)  # by target and program

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Explain and remember the ended connections among these records."""
        for record in records:
            if record.event == "end" and record.outcome not in PROBES:
                self.conclude(record)
                self.note(record)

    def explain(self, record: TunnelRecord, language: Language = ENGLISH) -> Finding | None:
        """Write the finding into the record, unless it has one, and return it in words; None if there is none."""
        self.conclude(record)
        return finding_of(record, language)

    def conclude(self, record: TunnelRecord) -> None:
        """Write the finding into the record, unless it has one. Makes no sentences."""
        if record.finding:
            return
        if record.contact is Contact.ANSWERED:
            usual = self._usual.get((record.target, record.user_agent))
            found: Conclusion | None = contacts.answered(record, None if usual is None else usual.ms)
        else:
            found = self._judge(record)
        if found is not None:
            record.finding = found.code.label
            record.certainty = found.certainty
            record.evidence = found.evidence

    def review(self, record: TunnelRecord, language: Language = ENGLISH) -> Finding | None:
        """The finding of a record that was published, judged again if the target was looked at since then."""
        report, is_fresh = usable(self._reports.get(record.target), record)
        if report is not None and is_fresh and record.finding in _WORTH_A_LOOK:
            found = self._judge(record)
            if found is not None:
                record.finding, record.certainty, record.evidence = found.code.label, found.certainty, found.evidence
        return finding_of(record, language)

    def note(self, record: TunnelRecord) -> None:
        """Remember an ended record for its client."""
        block, time = client_block(record.client), record.time
        client = self._clients.get(block)
        if client is None or time > client.noted_until:
            client = client or _Client(record.client)
            client.noted_until = time + _OFTEN
            self._clients.put(block, client)
        client.address = record.client
        if time > client.contact_until:
            client.contact_until = time + _ONE_CONTACT
            client.contacts.append(time)
        if record.contact is Contact.ANSWERED:
            self._note_answer(client, record)
        else:
            fetch = refused_fetch(record)
            if fetch is not None:
                client.refused_fetch = fetch
        if record.login_result is LoginResult.ACCEPTED:
            client.has_logged_in = True

    def _note_answer(self, client: _Client, record: TunnelRecord) -> None:
        program = record.target, record.user_agent
        if record.time > client.answered_until or program not in client.answered:
            client.answered_until = record.time + _OFTEN
            client.answered.put(program, record.time)
        took = contacts.reached_to_answer_ms(record)
        usual = self._usual.get(program)
        if usual is None:
            self._usual.put(program, _Usual(took))
        else:
            usual.ms += (took - usual.ms) * _WEIGHT

    def seen(self, report: TargetReport) -> None:
        """Remember the newest look at a target."""
        known = self._reports.get(report.target)
        if known is None or known.time <= report.time:
            self._reports.put(report.target, report)

    def wants_look(self, record: TunnelRecord) -> bool:
        """Whether a look at the target would tell more about this record's finding."""
        self.conclude(record)
        return record.finding in _WORTH_A_LOOK

    def silent(self, now: datetime, language: Language = ENGLISH) -> Iterator[tuple[str, Finding]]:
        """The clients that have been silent for longer than usual, with the finding of each."""
        for client in list(self._clients.values()):
            finding = never_arrived(client.address, client.contacts, now, language)
            if finding is not None:
                yield client.address, finding

    def _judge(self, record: TunnelRecord) -> Conclusion | None:
        outcome = record.outcome
        if outcome is None:
            return None
        rule = _RULES.get(outcome)
        if rule is not None:
            return rule(self._case(record))
        code = OF_OUTCOME.get(outcome)
        return None if code is None else Conclusion(code, code.certainty, record.detail)

    def _case(self, record: TunnelRecord) -> Case:
        report, is_fresh = usable(self._reports.get(record.target), record)
        client = self._clients.get(client_block(record.client))
        if client is None:
            return Case(record, report, is_fresh)
        before = client.answered.get((record.target, record.user_agent))
        return Case(record, report, is_fresh, client.refused_fetch, client.has_logged_in, before)
