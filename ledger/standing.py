"""What a named client's contacts mean: its deadlines, how urgent they are, and how long it is usually silent.

Pure. The clocks are `licensing.clocks`; contacts recorded by hand count as contacts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.licensing.clocks import ClockModel, Clocks, Due, KnownOfClient, Level, clocks
from licensegate.licensing.limits import family_named
from licensegate.licensing.rhythm import longest_silence, silence

from .clients import NamedClient
from .entries import ClientHistory, ManualKind

_AHEAD: Final = timedelta(days=1)  # later than that, a contact was written while a clock was wrong
_ONE_CONTACT: Final = timedelta(hours=1)


class ClientStanding(Struct, frozen=True):
    """How a named client stands at one time.

    `by_hand` if the last contact was recorded by hand. `deadlines` are by the name of their limit. `enforced` is the
    earliest date of a block. `longest_silence` is by the client's own rhythm, None if that is not known or does not
    matter. `level` is the worst of what the clocks and the silence say.
    """

    model: ClockModel
    last_contact: datetime | None
    by_hand: bool
    last_failure: datetime | None
    deadlines: dict[str, datetime]
    enforced: datetime | None
    longest_silence: timedelta | None
    level: Level

    def rhythm_exceeded(self, now: datetime) -> timedelta:
        """How much longer than usual the client has been silent."""
        if self.last_contact is None or self.longest_silence is None:
            return timedelta()
        return max(timedelta(), now - self.last_contact - self.longest_silence)


def model_of(client: NamedClient) -> ClockModel:
    """Which clocks a client has."""
    if client.reserved:
        return "reserved"
    family = family_named(client.product)
    if family is not None and family.model != "classic":
        return family.model
    return "classic_on_prem" if client.on_prem else "classic"


def standing(client: NamedClient, history: ClientHistory, now: datetime) -> ClientStanding:
    """How this client stands, from what the ledger has of it."""
    seen = [time for time in history.times if time - now <= _AHEAD]
    seen += [
        entry.last_success for entry in history.contacts if entry.last_success and entry.last_success - now <= _AHEAD
    ]
    by_hand = [
        entry.time for entry in history.manual if entry.what is ManualKind.CONTACT and entry.time - now <= _AHEAD
    ]
    logins = [entry.time for entry in history.manual if entry.what is ManualKind.LOGIN and entry.time - now <= _AHEAD]
    last = max((*seen, *by_hand), default=None)
    model = model_of(client)
    known = KnownOfClient(model=model, family=client.product, last_contact=last, last_login=max(logins, default=None))
    running = clocks(known, now)
    if model == "reserved":
        usual, level = None, running.level
    else:
        rhythm = one_contact_each((*seen, *by_hand))
        usual = longest_silence(rhythm)
        level = max(running.level, silence(rhythm, now))
    return ClientStanding(
        model,
        last,
        bool(by_hand) and last == max(by_hand),
        max((entry.last_failure for entry in history.contacts if entry.last_failure), default=None),
        {name: due.at for name, due in _deadlines(known, running, now)},
        running.enforced,
        usual,
        level,
    )


def one_contact_each(times: Iterable[datetime]) -> list[datetime]:
    """The times, those within an hour of the one before left out: a contact may take several connections."""
    kept: list[datetime] = []
    for time in sorted(times):
        if not kept or time - kept[-1] >= _ONE_CONTACT:
            kept.append(time)
    return kept


def _deadlines(known: KnownOfClient, running: Clocks, now: datetime) -> list[tuple[str, Due]]:
    dues = [running.contact, running.deadline, running.certificate_renewal, running.certificate_expiry]
    if known.model == "on_prem":  # its deadline is the earlier one of two
        by_contact = KnownOfClient(model="on_prem", last_contact=known.last_contact)
        by_login = KnownOfClient(model="on_prem", last_login=known.last_login)
        dues += [clocks(by_contact, now).deadline, clocks(by_login, now).deadline]
    return [(due.rule.name, due) for due in dues if due is not None]
