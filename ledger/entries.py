"""What the ledger holds, one class per kind of entry. Times are aware and in UTC, days are days in UTC."""

import enum
from datetime import date, datetime
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from .clients import ClientKey

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]

LONGEST_TEXT: Final = 1_000_000
"""The longest text that is kept beside a client, in bytes as it came. `show license tech support` has 20 KB."""


class ContactEntry(
    Struct, kw_only=True, tag="contact", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True
):
    """The first and last contact of a client with a target that was answered, and its last failure.

    `outcome` and `finding` are those of the failure.
    """

    client: ClientKey
    target: str
    first_success: Moment | None = None
    last_success: Moment | None = None
    last_failure: Moment | None = None
    outcome: str = ""
    finding: str = ""


class DayEntry(Struct, kw_only=True, tag="day", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """The connections of a client to a target that began on one day, and their bytes."""

    client: ClientKey
    target: str
    day: date
    connections: Count = 0
    answered: Count = 0
    failed: Count = 0
    from_client: Count = 0
    to_client: Count = 0


class HourEntry(Struct, kw_only=True, tag="hour", tag_field="kind", forbid_unknown_fields=True):
    """The last answered contact of a client within one hour: its rhythm is learned from these."""

    client: ClientKey
    time: Moment


class ManualKind(enum.StrEnum):
    """What somebody did by hand: carried files between a site and Cisco, or logged in at an SSM On-Prem."""

    CONTACT = "contact"
    LOGIN = "login"


class ManualEntry(Struct, kw_only=True, tag="manual", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """Something done by hand for a client, who wrote it down, and when."""

    client: ClientKey
    what: ManualKind
    time: Moment
    recorded: Moment
    recorded_by: str
    note: str = ""


class ProductEntry(
    Struct, kw_only=True, tag="product", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True
):
    """What the product of a client said about its own licences, and when. A date that it did not name is None.

    The statuses are the words of `licensing.words`, empty if unknown. `last_contact` succeeded; `contact_failed`
    if the product's last attempt did not.
    """

    client: ClientKey
    said: Moment
    registration_status: str = ""
    authorization_status: str = ""
    last_contact: Moment | None = None
    contact_failed: bool = False
    registered: Moment | None = None
    out_of_compliance_since: Moment | None = None
    authorization_expired: Moment | None = None
    contact_due: Moment | None = None
    authorization_ends: Moment | None = None
    renewal_due: Moment | None = None
    registration_ends: Moment | None = None
    evaluation_ends: Moment | None = None


class AskEntry(Struct, kw_only=True, tag="ask", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """When the product of a client may be asked again.

    `settings` is a digest of how it was asked. `refused` is the identity of the file whose password it refused.
    """

    client: ClientKey
    settings: str
    again: Moment
    refused: str = ""


class NameEntry(Struct, kw_only=True, tag="name", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """The name that somebody gave a client which the settings do not name, and its product as in a `[[client]]`.

    An empty `name` takes the name away again.
    """

    client: ClientKey
    name: str
    product: str = ""
    on_prem: bool = False
    reserved: bool = False
    named: Moment
    named_by: str


class TextEntry(Struct, kw_only=True, tag="text", tag_field="kind", omit_defaults=True, forbid_unknown_fields=True):
    """What the product of a client printed (`show license …`), who brought it, and when.

    `printed` is when it was printed, if somebody said so.
    """

    client: ClientKey
    kept: Moment
    kept_by: str
    printed: Moment | None = None
    text: Annotated[str, Meta(max_length=LONGEST_TEXT)]


LedgerEntry: TypeAlias = (
    ContactEntry | DayEntry | HourEntry | ManualEntry | ProductEntry | AskEntry | NameEntry | TextEntry
)


class ClientHistory(Struct, frozen=True):
    """What the ledger has of one client: targets, contacts, what was done by hand, what its product said and when.

    `name` is the one given by hand.
    """

    contacts: tuple[ContactEntry, ...] = ()
    times: tuple[datetime, ...] = ()
    manual: tuple[ManualEntry, ...] = ()
    product: ProductEntry | None = None
    ask: AskEntry | None = None
    name: NameEntry | None = None
