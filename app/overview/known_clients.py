"""Every client that the gate knows, from its ledger, its settings and its last connections: the most urgent first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from licensegate.allowlist.clients import network_of
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.recent import Client, Clients
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.ledger.clients import ClientKey
from licensegate.ledger.desk import NoLedger
from licensegate.ledger.dossier import ClientDossier
from licensegate.ledger.summaries import ClientSummary
from licensegate.licensing.clocks import Level
from licensegate.records.finding import Finding

from .client_rows import KnownClient, known_client
from .identities import key_text
from .slices import gathered, in_order
from .words import NAME_OF_LEVEL, LevelName

RecentAddresses: TypeAlias = tuple[tuple[str, Client], ...]
"""The recent addresses of one client, the newest first."""


class KnownClients:
    """Puts together what the ledger, the last connections and the diagnosis know of clients."""

    def __init__(self, ledger: Ledger, clients: Clients, diagnosis: Diagnosis) -> None:
        self._ledger = ledger
        self._clients = clients
        self._diagnosis = diagnosis

    async def all(self, now: datetime) -> tuple[list[KnownClient], bool]:
        """Every client, the most urgent first, and whether the ledger told of all."""
        recent, silent = self.recent(), dict(self._diagnosis.silent(now))
        found = await self._ledger.desk.summaries() if self._ledger.is_kept else None
        if found is None or isinstance(found, NoLedger):
            known = self._named(recent)
        else:
            known = await gathered(
                known_client(each, clients, _silence(clients, silent))
                for each in found
                for clients in (recent.pop(each.client.key, ()),)
            )
        known += [
            KnownClient(key=key, recent=clients, silent=_silence(clients, silent)) for key, clients in recent.items()
        ]
        ranked = await gathered((_order(each, now), each) for each in known)
        return [each for _, each in await in_order(ranked, lambda pair: pair[0])], not isinstance(found, NoLedger)

    def one(self, key: ClientKey, file: ClientDossier | None, now: datetime) -> KnownClient | None:
        """The client of this key, with its file in the ledger if that could be read; None if nobody knows it."""
        recent = self.recent()
        mine = recent.get(key, ())
        silence = _silence(mine, dict(self._diagnosis.silent(now)))
        if file is not None:
            return known_client(ClientSummary(file.client, file.standing, file.history.contacts), mine, silence)
        for each in self._named(recent):
            if each.key == key:
                return each
        return KnownClient(key=key, recent=mine, silent=silence) if mine else None

    async def knows(self, key: ClientKey) -> bool:
        """Whether the ledger, the settings or a recent connection knows this client."""
        if key in self.recent() or not self._ledger.is_kept:
            return key in self.recent()
        return isinstance(await self._ledger.desk.client(key, days=1), ClientDossier | NoLedger)

    def recent(self) -> dict[ClientKey, RecentAddresses]:
        """The recent addresses of each client."""
        found: dict[ClientKey, RecentAddresses] = {}
        for address, client in reversed(list(self._clients.by_address.items())):
            key = self._ledger.names.key(client.newest)
            found[key] = (*found.get(key, ()), (address, client))
        return found

    def _named(self, recent: dict[ClientKey, RecentAddresses]) -> list[KnownClient]:
        """The clients of the settings as the ledger's thread knew them last. Takes theirs out of `recent`."""
        writer = self._ledger.writer
        return [
            KnownClient(
                key=client.key,
                product=client.product,
                standing=stands,
                recent=recent.pop(client.key, ()),
                settings=client,
            )
            for client, stands in (() if writer is None else writer.standings)
        ]


def matches(known: KnownClient, query: str) -> bool:
    """Whether a text finds this client: part of a name, a login, an address, a product or a program.

    An address also finds the client of the settings whose networks hold it.
    """
    wanted = query.strip().lower()
    if not wanted:
        return True
    texts = [known.name, known.key.name, known.product, *(address for address, _ in known.recent)]
    texts += [client.newest.user_agent for _, client in known.recent]
    settings = known.settings
    if settings is not None:
        if network_of(wanted, settings.networks) is not None:
            return True
        texts += [*settings.users, *settings.certificates]
    return any(wanted in text.lower() for text in texts)


def needs_attention(known: KnownClient, now: datetime) -> bool:
    """Whether somebody has to look at this client."""
    level = known.level(now)
    return level > Level.UNKNOWN or (level is Level.UNKNOWN and known.is_named)


def _silence(recent: RecentAddresses, silent: Mapping[str, Finding]) -> Finding | None:
    """The finding of the silence of these addresses; None while one of them is not silent."""
    findings = [silent.get(address) for address, _ in recent]
    return findings[0] if findings and all(findings) else None


def _order(known: KnownClient, now: datetime) -> tuple[int, bool, float, float, str]:
    """The most urgent first, named ones before others; then by the date of a block, then the latest contact."""
    level = known.level(now)
    enforced = None if known.standing is None else known.standing.enforced
    last = max(filter(None, (known.last_contact, known.last_failure)), default=None)
    return (
        -level,
        not known.is_named,
        enforced.timestamp() if enforced is not None and level > Level.UNKNOWN else 0.0,
        -last.timestamp() if last is not None else 0.0,
        key_text(known.key),
    )


async def by_level(known: Sequence[KnownClient], now: datetime) -> dict[LevelName, int]:
    """How many of these clients have each level."""
    counts: dict[LevelName, int] = dict.fromkeys(NAME_OF_LEVEL.values(), 0)
    for level in await gathered(each.level(now) for each in known):
        counts[NAME_OF_LEVEL[level]] += 1
    return counts
