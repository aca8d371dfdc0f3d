"""What `licensegate contact list` prints: what people wrote down, and what products said."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from licensegate.ledger.clients import ClientKey
from licensegate.ledger.dossier import KeptText
from licensegate.ledger.entries import ClientHistory, ManualEntry, ManualKind, NameEntry, ProductEntry
from licensegate.ledger.naming import LedgerClient
from licensegate.ledger.standing import ClientStanding, standing

WORDS: Final = {ManualKind.CONTACT: "contact by hand", ManualKind.LOGIN: "login by hand"}


def listed_lines(
    clients: Sequence[LedgerClient],
    histories: dict[ClientKey, ClientHistory],
    texts: Sequence[tuple[ClientKey, KeptText]],
    now: datetime,
) -> Iterator[str]:
    """Yield a line for each thing of these clients: what was done by hand, names, texts, and what products said."""
    by_key = {client.key: client for client in clients}
    manual = sorted((entry for history in histories.values() for entry in history.manual), key=lambda entry: entry.time)
    for entry in manual:
        yield manual_line(by_key[entry.client], entry)
    for client in clients:
        if client.given is not None:
            yield name_line(client.given)
    for key, text in texts:
        if key in by_key:
            yield f"{by_key[key].name}  a text of {text.size} bytes, brought {shown_time(text.kept)} by {text.kept_by}"
    for client in clients:
        history = histories[client.key]
        if history.product is not None:
            yield _answer_line(client, history.product, standing(client, history, now))


def manual_line(client: LedgerClient, entry: ManualEntry) -> str:
    """What was done by hand, when, who wrote it down, and the note."""
    note = f": {entry.note}" if entry.note else ""
    recorded = f"recorded {shown_time(entry.recorded)} by {entry.recorded_by}"
    return f"{client.name}  {WORDS[entry.what]} on {shown_time(entry.time)}, {recorded}{note}"


def name_line(entry: NameEntry) -> str:
    """The name that a client was given."""
    product = f", product {entry.product}" if entry.product else ""
    more = "".join(f", {word}" for word, is_so in (("on-prem", entry.on_prem), ("reserved", entry.reserved)) if is_so)
    given = f"given {shown_time(entry.named)} by {entry.named_by}"
    return f"{entry.name}  the name of {entry.client.name}{product}{more}, {given}"


def _answer_line(client: LedgerClient, answer: ProductEntry, stands: ClientStanding) -> str:
    """What a product said and when, then each deadline: printed by it, or estimated."""
    states = [f"registration {answer.registration_status or 'unknown'}"]
    states.append(f"authorization {answer.authorization_status or 'unknown'}")
    if answer.last_contact is not None:
        states.append(f"last contact {shown_time(answer.last_contact)}")
    if answer.contact_failed:
        states.append("an attempt since then failed")
    dates = [
        f"{name} {shown_time(due.at)} ({'printed' if due.printed else 'estimated'})"
        for name, due in stands.deadlines.items()
    ]
    said = f"its product said on {shown_time(answer.said)}: {', '.join(states)}"
    return f"{client.name}  {said}; {stands.level.label}; {', '.join(dates) or 'no deadline'}"


def shown_time(time: datetime) -> str:
    """The time in this machine's zone."""
    return time.astimezone().isoformat(" ", "minutes")
