"""What a client's contacts mean: its deadlines, how urgent they are, and how long it is usually silent.

Pure. The clocks are `licensing.clocks`; contacts recorded by hand count as contacts. What the product itself said
(`product_words`) replaces what follows from contacts.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct, structs

from licensegate.licensing.clocks import ClockModel, Clocks, Due, KnownOfClient, Level, clocks
from licensegate.licensing.limits import family_named
from licensegate.licensing.rhythm import LEAST_SILENCE, longest_silence_of, silence_since

from .entries import ClientHistory, ManualKind
from .product_words import AHEAD, blocked_since, certificate_with, contact_named, is_current, known_with, level_of

_ONE_CONTACT: Final = 3600.0


class ClientProduct(Protocol):
    """What the clocks of a client depend on, apart from its history."""

    @property
    def product(self) -> str:
        """The product's family, empty for the general clocks."""

    @property
    def on_prem(self) -> bool:
        """Whether it is registered with an SSM On-Prem."""

    @property
    def reserved(self) -> bool:
        """Whether it need never contact anybody."""


class ClientStanding(Struct, frozen=True):
    """How a client stands at one time.

    `by_hand` if the last contact was recorded by hand. `deadlines` are by the name of their limit; each tells whether
    the product printed it or it is an estimate. `enforced` is the earliest date of a block. `longest_silence` is by the
    client's own rhythm, None if that is not known or does not matter. `level` is the worst of what the clocks, the
    silence and the product's own state say. `said` is when the product named its dates, None if none of them counts.
    """

    model: ClockModel
    last_contact: datetime | None
    by_hand: bool
    last_failure: datetime | None
    deadlines: dict[str, Due]
    enforced: datetime | None
    longest_silence: timedelta | None
    level: Level
    said: datetime | None = None


def model_of(client: ClientProduct) -> ClockModel:
    """Which clocks a client has."""
    if client.reserved:
        return "reserved"
    family = family_named(client.product)
    if family is not None and family.model != "classic":
        return family.model
    return "classic_on_prem" if client.on_prem else "classic"


def standing(client: ClientProduct, history: ClientHistory, now: datetime) -> ClientStanding:
    """How this client stands, from what the ledger has of it."""
    stands = standing_without_rhythm(client, history, now)
    return with_rhythm(stands, (time.timestamp() for time in history.times), history, now)


def standing_without_rhythm(client: ClientProduct, history: ClientHistory, now: datetime) -> ClientStanding:
    """How this client stands, apart from its rhythm: `history` need not have its times."""
    seen = [time for time in history.times if time - now <= AHEAD]
    seen += [
        entry.last_success for entry in history.contacts if entry.last_success and entry.last_success - now <= AHEAD
    ]
    by_hand = [entry.time for entry in history.manual if entry.what is ManualKind.CONTACT and entry.time - now <= AHEAD]
    logins = [entry.time for entry in history.manual if entry.what is ManualKind.LOGIN and entry.time - now <= AHEAD]
    last = max((*seen, *by_hand), default=None)
    known = KnownOfClient(
        model=model_of(client), family=client.product, last_contact=last, last_login=max(logins, default=None)
    )
    answer = None if history.product is None or history.product.said - now > AHEAD else history.product
    current = answer is not None and is_current(answer, last)
    state, blocked = Level.OK, None
    if answer is not None and current:
        known, state = known_with(known, answer, now), level_of(answer, client.product)
        blocked = blocked_since(answer, client.product)
        named = contact_named(answer, now)
        last = max((time for time in (last, named) if time is not None), default=None)
    elif answer is not None:
        known = certificate_with(known, answer, now)
    running = clocks(known, now)
    level = max(running.level, state)
    if known.model != "reserved":
        level = max(level, silence_since(last, None, now))
    deadlines = {due.rule.name: due for due in _deadlines(known, running, now)}
    return ClientStanding(
        known.model,
        last,
        bool(by_hand) and last == max(by_hand),
        max((entry.last_failure for entry in history.contacts if entry.last_failure), default=None),
        deadlines,
        min((time for time in (running.enforced, blocked) if time is not None), default=None),
        None,
        level,
        answer.said if answer and (current or any(due.printed for due in deadlines.values())) else None,
    )


def needs_rhythm(stands: ClientStanding, now: datetime) -> bool:
    """Whether the rhythm of a client may change its level."""
    if stands.last_contact is None or stands.model == "reserved" or stands.level >= Level.WARNING:
        return False
    return now - stands.last_contact > LEAST_SILENCE


def with_rhythm(
    stands: ClientStanding, hours: Iterable[float], history: ClientHistory, now: datetime
) -> ClientStanding:
    """How a client stands that was judged without its rhythm, with it.

    `hours` has the last contact of each hour, in seconds since 1970.
    """
    if stands.model == "reserved":
        return stands
    latest = now.timestamp() + AHEAD.total_seconds()
    times = [entry.last_success for entry in history.contacts if entry.last_success]
    times += [entry.time for entry in history.manual if entry.what is ManualKind.CONTACT]
    times += [] if stands.last_contact is None else [stands.last_contact]
    moments = [*hours, *(time.timestamp() for time in times)]
    usual = longest_silence_of(one_contact_each(moment for moment in moments if moment <= latest))
    level = max(stands.level, silence_since(stands.last_contact, usual, now))
    return structs.replace(stands, longest_silence=usual, level=level)


def one_contact_each(moments: Iterable[float]) -> list[float]:
    """The moments, those within an hour of the one before left out: a contact may take several connections."""
    kept: list[float] = []
    last = -math.inf
    for moment in sorted(moments):
        if moment - last >= _ONE_CONTACT:
            kept.append(moment)
            last = moment
    return kept


def _deadlines(known: KnownOfClient, running: Clocks, now: datetime) -> list[Due]:
    dues = [running.contact, running.deadline, running.certificate_renewal, running.certificate_expiry]
    dues.append(running.evaluation_end)
    if known.out_of_compliance_since is not None or known.authorization_expired is not None:
        dues.append(running.overage_end)
    if known.model == "on_prem":  # its deadline is the earlier one of two
        by_contact = KnownOfClient(model="on_prem", last_contact=known.last_contact)
        by_login = KnownOfClient(model="on_prem", last_login=known.last_login)
        dues += [clocks(by_contact, now).deadline, clocks(by_login, now).deadline]
    return [due for due in dues if due is not None]
