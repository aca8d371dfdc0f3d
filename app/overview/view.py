"""What people see of a running gate: every answer is built here, from the gate, its observers and its ledger."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from licensegate.app.observers.counters import Counters
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.observers.registry import Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_reports import TargetReports
from licensegate.files.off_loop import OffLoop
from licensegate.language.language import Language
from licensegate.ledger.clients import ClientKey
from licensegate.ledger.desk import NoLedger
from licensegate.ledger.dossier import ClientDossier, MonthEvidence
from licensegate.ledger.summaries import ClientSummary
from licensegate.licensing.read import read
from licensegate.licensing.report import Reading
from licensegate.products.poller import ProductPoller
from licensegate.proxy.gate import Gate
from licensegate.records.change import Change
from licensegate.records.record import TunnelRecord

from .attention import MOST_ATTENTION, attention
from .changes import ChangeList
from .client_detail import (
    contact_rows,
    day_rows,
    evidence_sheet,
    manual_rows,
    program_rows,
    state_row,
    text_row,
)
from .client_rows import client_row, known_client
from .clients import ClientDetail, ClientList, EvidenceSheet
from .gate_summary import GateFacts, gate_summary
from .identities import identity_of
from .known_clients import KnownClients, by_level, matches, needs_attention
from .overview import Overview, headline, worst_level
from .refusals import RefusalList, RefusalRow, refusal_row
from .rules import RuleList, rule_rows
from .slices import gathered, in_order
from .targets import TargetList, TargetRow, target_rows
from .tunnels import TunnelList, TunnelRow, accepted_at, tunnel_row
from .upstreams import FRESH_SECONDS, PATIENCE_SECONDS, Upstreams
from .words import level_word

PAGE_ROWS: Final = 100
"""Rows on one page of a list: many readers of many pages hold little memory."""

_FIRST_ROWS: Final = 10
"""Rows of each list in an overview."""

_OVERVIEW_PATIENCE: Final = 1.0
"""How long an overview waits for dials; the dials continue."""


class GateView:
    """Answers what people ask about a gate, in their language.

    `products` asks the products of clients, `warnings` returns those of the settings in force. `changes` are the last
    ones, the newest last.
    """

    def __init__(
        self,
        gate: Gate,
        observers: Observers,
        upstreams: Upstreams,
        reports: TargetReports,
        facts: GateFacts,
        products: ProductPoller,
        warnings: Callable[[], Awaitable[Sequence[str]]],
        changes: Sequence[Change],
    ) -> None:
        self._gate = gate
        self._counters = observers.get(Counters)
        self._ledger = observers.get(Ledger)
        self._refusals = observers.get(Refusals)
        self._known = KnownClients(self._ledger, observers.get(Clients), gate.diagnosis)
        self._health = observers.get(TargetHealth)
        self._upstreams = upstreams
        self._reports = reports
        self._facts = facts
        self._products = products
        self._warnings = warnings
        self._changes = changes
        self._readings = OffLoop()

    async def overview(self, language: Language) -> Overview:
        """Everything in short. Dials the targets that had no record of late, and hardly waits for them."""
        targets = await self._targets(language, _OVERVIEW_PATIENCE)
        now = datetime.now(UTC)
        gate = gate_summary(self._gate, self._ledger, self._facts, language)
        known, _ = await self._known.all(now)
        rows = await gathered(client_row(each, language, now) for each in known[:MOST_ATTENTION])
        asked = self._products.products.items()
        unanswered = {client: product.failure for client, product in asked if product.failure is not None}
        found = attention(gate, targets, rows, unanswered, await self._warnings(), language, now)
        more = await gathered(needs_attention(each, now) for each in known[MOST_ATTENTION:])
        refusals = list(reversed(self._refusals.records))
        level = worst_level(found)
        return Overview(
            language=language.code,
            made_at=now,
            level=level,
            level_word=level_word(level, language),
            headline=headline(found, language),
            attention=found[:MOST_ATTENTION],
            attention_total=len(found) + sum(more),
            gate=gate,
            targets=targets,
            clients=rows[:_FIRST_ROWS],
            clients_total=len(known),
            clients_by_level=await by_level(known, now),
            refusals=await gathered(self._refusal_rows(refusals[:_FIRST_ROWS], language, whole=False)),
            refusals_total=len(refusals),
            tunnels=await self._tunnel_rows(language, now, 1, _FIRST_ROWS, whole=False),
        )

    async def targets(self, language: Language) -> TargetList:
        """Each target. Dials those without a record of late, and waits a few seconds for them."""
        rows = await self._targets(language, PATIENCE_SECONDS)
        return TargetList(language=language.code, made_at=datetime.now(UTC), targets=rows)

    async def rules(self, language: Language) -> RuleList:
        """The rules in force, and how much each is used."""
        policy = self._gate.snapshot.policy
        rows = rule_rows(policy.rules, self._counters.hits)
        return RuleList(
            language=language.code, made_at=datetime.now(UTC), mode=policy.mode.value, policy=policy.hash, rules=rows
        )

    async def changes(self, language: Language, page: int) -> ChangeList:
        """One page of the last changes, the newest first."""
        changes = list(reversed(self._changes))
        page, pages = page_of(page, len(changes), PAGE_ROWS)
        return ChangeList(
            language=language.code,
            made_at=datetime.now(UTC),
            page=page,
            pages=pages,
            total=len(changes),
            changes=changes[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        )

    async def refusals(self, language: Language) -> RefusalList:
        """The last connections that failed, the newest first, with their records."""
        records = list(reversed(self._refusals.records))
        rows = await gathered(self._refusal_rows(records, language, whole=True))
        return RefusalList(language=language.code, made_at=datetime.now(UTC), refusals=rows)

    async def tunnels(self, language: Language, page: int) -> TunnelList:
        """One page of the open connections, with their records."""
        now, number = datetime.now(UTC), len(self._gate.connections)
        page, pages = page_of(page, number, PAGE_ROWS)
        rows = await self._tunnel_rows(language, now, page, PAGE_ROWS, whole=True)
        return TunnelList(language=language.code, made_at=now, page=page, pages=pages, open=number, tunnels=rows)

    async def clients(self, language: Language, query: str, page: int) -> ClientList:
        """One page of the clients that this text finds: part of a name, an address, a product or a program."""
        now = datetime.now(UTC)
        known, is_complete = await self._known.all(now)
        found = await gathered(each for each in known if matches(each, query)) if query.strip() else known
        page, pages = page_of(page, len(found), PAGE_ROWS)
        shown = found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
        return ClientList(
            language=language.code,
            made_at=now,
            query=query,
            page=page,
            pages=pages,
            total=len(found),
            by_level=await by_level(known, now),
            complete=is_complete,
            clients=await gathered(client_row(each, language, now) for each in shown),
        )

    async def client(self, language: Language, key: ClientKey) -> ClientDetail | None:
        """Everything of one client; None if nobody knows it."""
        now = datetime.now(UTC)
        dossier = await self._ledger.desk.client(key) if self._ledger.is_kept else None
        file = dossier if isinstance(dossier, ClientDossier) else None
        known = self._known.one(key, file, now)
        if known is None:
            return None
        history = None if file is None else file.history
        text = None if file is None else file.text
        reading = None if text is None else await self._read(text.text)
        wanted = (each for each in reversed(self._refusals.records) if self._ledger.names.key(each) == key)
        return ClientDetail(
            language=language.code,
            made_at=now,
            complete=not isinstance(dossier, NoLedger),
            client=client_row(known, language, now),
            days=[] if file is None else day_rows(file.days),
            targets=[] if history is None else contact_rows(history.contacts, known.name, language),
            manual=[] if history is None else manual_rows(reversed(history.manual), language),
            state=None
            if file is None
            else state_row(file.history.product, text, reading, file.client.product, file.standing, language, now),
            text=text_row(text, reading, language),
            programs=list(program_rows(known)),
            refusals=await gathered(self._refusal_rows(list(wanted), language, whole=False)),
        )

    async def knows(self, key: ClientKey) -> bool:
        """Whether the ledger, the settings or a recent connection knows this client."""
        return await self._known.knows(key)

    async def evidence(self, language: Language, key: ClientKey, month: date) -> EvidenceSheet | None:
        """What a client did in the month of this day; None if nobody knows the client, or no ledger can be read."""
        found = await self._ledger.desk.month(key, month) if self._ledger.is_kept else None
        if not isinstance(found, MonthEvidence):
            return None
        known = known_client(ClientSummary(found.client, found.standing), self._known.recent().get(key, ()))
        row = client_row(known, language, found.made)
        return evidence_sheet(found, row, language, self._facts.version, str(self._ledger.place))

    async def _read(self, text: str) -> Reading:
        """Read what a product printed, off the event loop: a megabyte takes up to a second."""
        return await self._readings.run(partial(read, text.encode()))

    async def _targets(self, language: Language, patience: float) -> list[TargetRow]:
        self._upstreams.want_looks()
        upstreams = await self._upstreams.check(FRESH_SECONDS, patience)
        return await gathered(target_rows(upstreams, self._health, self._reports, language, datetime.now(UTC)))

    def _refusal_rows(
        self, records: Sequence[TunnelRecord], language: Language, *, whole: bool
    ) -> Iterator[RefusalRow]:
        for record in records:
            yield refusal_row(
                record, identity_of(record, self._ledger.names), self._gate.diagnosis, language, whole=whole
            )

    async def _tunnel_rows(
        self, language: Language, now: datetime, page: int, rows: int, *, whole: bool
    ) -> list[TunnelRow]:
        names = self._ledger.names
        connections = await in_order(list(self._gate.connections), accepted_at)
        return await gathered(
            tunnel_row(each, identity_of(each.conversation.record, names), language, now, whole=whole)
            for each in connections[(page - 1) * rows : page * rows]
        )


def page_of(wanted: int, rows: int, rows_per_page: int) -> tuple[int, int]:
    """The page that is shown for the wanted one, and how many there are: at least one."""
    pages = max(1, -(-rows // rows_per_page))
    return min(max(wanted, 1), pages), pages
