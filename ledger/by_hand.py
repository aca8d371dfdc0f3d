"""What people add to the ledger: a contact that no gate has seen, a name, a text that a product printed.

Pure. What cannot be kept raises EntryRefusedError, whose words say what to change.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.licensing.limits import family_named
from licensegate.licensing.read import read
from licensegate.licensing.report import LicenseReport
from licensegate.licensing.text.decode import UnreadableTextError, decode

from .entries import LONGEST_TEXT, ManualEntry, ManualKind, NameEntry, ProductEntry, TextEntry
from .naming import LedgerClient
from .product_words import entry_of_text
from .standing import model_of

LONGEST_NAME: Final = 100
LONGEST_NOTE: Final = 500
_AHEAD: Final = timedelta(minutes=1)


class EntryRefusedError(ValueError):
    """It cannot be kept. `str()` says why, and what to change."""


class TextWithWord(Struct, frozen=True):
    """A text, and what its product says in it; None if it names neither a state nor a date."""

    text: TextEntry
    word: ProductEntry | None

    @property
    def entries(self) -> list[TextEntry | ProductEntry]:
        """What the ledger keeps of it."""
        return [self.text] if self.word is None else [self.text, self.word]


def manual_entry(
    client: LedgerClient, what: ManualKind, *, at: datetime | None, note: str, by: str, now: datetime
) -> ManualEntry:
    """Something done by hand for this client at a time, by default now. Raises EntryRefusedError."""
    if what is ManualKind.LOGIN and model_of(client) != "on_prem":
        raise EntryRefusedError(
            f'{client.name} is not an SSM On-Prem: only a client with product = "SSM" has such logins'
        )
    _refuse_future(at, now)
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise EntryRefusedError(f"write a note of at most {LONGEST_NOTE} printable characters")
    return ManualEntry(client=client.key, what=what, time=at or now, recorded=now, recorded_by=by, note=note)


def name_entry(
    client: LedgerClient,
    name: str,
    *,
    product: str = "",
    on_prem: bool = False,
    reserved: bool = False,
    by: str,
    now: datetime,
    others: Iterable[LedgerClient],
) -> NameEntry:
    """The name for a client that the settings do not name; an empty one takes it away. Raises EntryRefusedError.

    `others` are all clients, of which no other may have the name.
    """
    name, product = name.strip(), product.strip()
    if client.settings is not None:
        raise EntryRefusedError(f"{client.name} has its name from the settings; change it there")
    for text in (name, product):
        if len(text) > LONGEST_NAME or not text.isprintable():
            raise EntryRefusedError(f"write a name of at most {LONGEST_NAME} printable characters")
    for other in others if name else ():
        if other.key != client.key and other.name.casefold() == name.casefold():
            raise EntryRefusedError(f"{other.name} is the name of another client; choose another one")
    family = family_named(product)
    if on_prem and family is not None and family.model == "on_prem":
        raise EntryRefusedError(f"{family.name} is the SSM On-Prem itself, and is not registered with one")
    if not name:
        return NameEntry(client=client.key, name="", named=now, named_by=by)
    return NameEntry(
        client=client.key,
        name=name,
        product=product if family is None else family.name,
        on_prem=on_prem,
        reserved=reserved,
        named=now,
        named_by=by,
    )


def text_entry(client: LedgerClient, data: bytes, *, printed: datetime | None, by: str, now: datetime) -> TextWithWord:
    """A text of this client's product, as it came, and what it says. Raises EntryRefusedError.

    It was `printed` at this time; None if only the text tells, or else just now.
    Reading a megabyte takes up to a second.
    """
    _refuse_future(printed, now)
    if len(data) > LONGEST_TEXT:
        raise EntryRefusedError("the text is larger than 1 MB; give the output of one command")
    try:
        reading = read(data)
        text = decode(data).replace("\0", "")
    except UnreadableTextError as error:
        raise EntryRefusedError(f"the text cannot be read: {error}") from None
    if reading.report == LicenseReport():
        raise EntryRefusedError("nothing in the text is about licences; give the output of `show license all`")
    entry = TextEntry(client=client.key, kept=now, kept_by=by, printed=printed, text=text)
    return TextWithWord(entry, entry_of_text(client.key, reading, now, printed))


def _refuse_future(time: datetime | None, now: datetime) -> None:
    if time is not None and time - now > _AHEAD:
        raise EntryRefusedError("that time is in the future")
