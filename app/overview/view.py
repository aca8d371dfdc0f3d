"""What people see of a running gate: every answer is built here, from the gate, its observers and its ledger."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.recent import Client, Clients, Refusals
from licensegate.app.observers.registry import Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_reports import TargetReports
from licensegate.language.language import Language
from licensegate.ledger.clients import ClientKey
from licensegate.licensing.clocks import Level
from licensegate.proxy.gate import Gate
from licensegate.records.record import TunnelRecord

from .attention import MOST_ATTENTION, attention
from .client_rows import KnownClient, client_row
from .clients import ClientList
from .gate_summary import GateFacts, gate_summary
from .identities import identity_of, key_text
from .overview import Overview, headline, worst_level
from .refusals import RefusalList, RefusalRow, refusal_row
from .slices import gathered
from .targets import TargetList, TargetRow, target_rows
from .tunnels import TunnelList, TunnelRow, oldest_first, tunnel_row
from .upstreams import FRESH_SECONDS, PATIENCE_SECONDS, Upstreams
from .words import NAME_OF_LEVEL, LevelName, level_word

PAGE_ROWS: Final = 100
"""Rows on one page of a list: many readers of many pages hold little memory."""

_FIRST_ROWS: Final = 10
"""Rows of each list in an overview."""

_OVERVIEW_PATIENCE: Final = 1.0
"""How long an overview waits for dials; the dials continue."""

_Row = TypeVar("_Row")


class GateView:
    """Answers what people ask about a gate, in their language. `warnings` returns those of the settings in force."""

    def __init__(
        self,
        gate: Gate,
        observers: Observers,
        upstreams: Upstreams,
        reports: TargetReports,
        facts: GateFacts,
        warnings: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._gate = gate
        self._ledger = observers.get(Ledger)
        self._refusals = observers.get(Refusals)
        self._clients = observers.get(Clients)
        self._health = observers.get(TargetHealth)
        self._upstreams = upstreams
        self._reports = reports
        self._facts = facts
        self._warnings = warnings

    async def overview(self, language: Language) -> Overview:
        """Everything in short. Dials the targets that had no record of late, and hardly waits for them."""
        targets = await self._targets(language, _OVERVIEW_PATIENCE)
        now = datetime.now(UTC)
        gate = gate_summary(self._gate, self._ledger, self._facts, language)
        known = await self._known(now)
        clients = await gathered(client_row(each, language, now) for each in known if _needs_attention(each, now))
        first = await gathered(client_row(each, language, now) for each in known[:_FIRST_ROWS])
        found = attention(gate, targets, clients, self._warnings(), language, now)
        refusals = list(reversed(self._refusals.records))
        level = worst_level(found)
        return Overview(
            language=language.code,
            made_at=now,
            level=level,
            level_word=level_word(level, language),
            headline=headline(found, language),
            attention=found[:MOST_ATTENTION],
            attention_total=len(found),
            gate=gate,
            targets=targets,
            clients=first,
            clients_total=len(known),
            clients_by_level=_by_level(known, now),
            refusals=await gathered(self._refusal_rows(refusals[:_FIRST_ROWS], language, whole=False)),
            refusals_total=len(refusals),
            tunnels=await self._tunnel_rows(language, now, 1, _FIRST_ROWS, whole=False),
        )

    async def targets(self, language: Language) -> TargetList:
        """Each target. Dials those without a record of late, and waits a few seconds for them."""
        rows = await self._targets(language, PATIENCE_SECONDS)
        return TargetList(language=language.code, made_at=datetime.now(UTC), targets=rows)

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
        known = await self._known(now)
        found = [each for each in known if matches(each, query)]
        page, pages = page_of(page, len(found), PAGE_ROWS)
        shown = found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
        return ClientList(
            language=language.code,
            made_at=now,
            query=query,
            page=page,
            pages=pages,
            total=len(found),
            by_level=_by_level(known, now),
            complete=self._is_complete,
            clients=await gathered(client_row(each, language, now) for each in shown),
        )

    @property
    def _is_complete(self) -> bool:
        writer = self._ledger.writer
        return not self._ledger.is_kept or (writer is not None and writer.is_working is True)

    async def _targets(self, language: Language, patience: float) -> list[TargetRow]:
        self._upstreams.want_looks()
        upstreams = await self._upstreams.check(FRESH_SECONDS, patience)
        return await gathered(target_rows(upstreams, self._health, self._reports, language, datetime.now(UTC)))

    async def _known(self, now: datetime) -> list[KnownClient]:
        """Every client, the most urgent first, then the latest."""
        recent = self._recent()
        silent = dict(self._gate.diagnosis.silent(now))
        writer = self._ledger.writer
        standings = () if writer is None or not self._ledger.is_kept else writer.standings
        known = [
            KnownClient(key=client.key, product=client.product, standing=stands, recent=recent.pop(client.key, ()))
            for client, stands in standings
        ]
        known += [
            KnownClient(
                key=key,
                recent=clients,
                silent=next((silent[address] for address, _ in clients if address in silent), None),
            )
            for key, clients in recent.items()
        ]
        return sorted(known, key=lambda each: _order(each, now))

    def _recent(self) -> dict[ClientKey, tuple[tuple[str, Client], ...]]:
        """The recent addresses of each client, the newest first."""
        found: dict[ClientKey, tuple[tuple[str, Client], ...]] = {}
        for address, client in reversed(list(self._clients.by_address.items())):
            key = self._ledger.names.key(client.newest)
            found[key] = (*found.get(key, ()), (address, client))
        return found

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

        def made() -> Iterator[TunnelRow | None]:
            place = 0
            for connection in oldest_first(self._gate.connections):
                if connection is None:
                    yield None
                    continue
                place += 1
                if place > page * rows:
                    return
                if place > (page - 1) * rows:
                    identity = identity_of(connection.conversation.record, names)
                    yield tunnel_row(connection, identity, language, now, whole=whole)
                else:
                    yield None

        return [row for row in await gathered(made()) if row is not None]


def page_of(wanted: int, rows: int, rows_per_page: int) -> tuple[int, int]:
    """The page that is shown for the wanted one, and how many there are: at least one."""
    pages = max(1, -(-rows // rows_per_page))
    return min(max(wanted, 1), pages), pages


def matches(known: KnownClient, query: str) -> bool:
    """Whether a text finds this client."""
    wanted = query.strip().lower()
    if not wanted:
        return True
    texts = [known.name, known.key.name, known.product, *(address for address, _ in known.recent)]
    texts += [client.newest.user_agent for _, client in known.recent]
    return any(wanted in text.lower() for text in texts)


def _order(known: KnownClient, now: datetime) -> tuple[int, float, str]:
    last = max(filter(None, (known.last_contact, known.last_failure)), default=None)
    return -known.level(now), -last.timestamp() if last is not None else 0.0, key_text(known.key)


def _needs_attention(known: KnownClient, now: datetime) -> bool:
    level = known.level(now)
    return level > Level.UNKNOWN or (level is Level.UNKNOWN and known.key.kind == "named")


def _by_level(known: Sequence[KnownClient], now: datetime) -> dict[LevelName, int]:
    counts: dict[LevelName, int] = dict.fromkeys(NAME_OF_LEVEL.values(), 0)
    for each in known:
        counts[NAME_OF_LEVEL[each.level(now)]] += 1
    return counts
