"""What a product says about its own licences, as an entry of the ledger and as what its clocks take.

Pure. A date that the product printed replaces an estimate.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from licensegate.licensing.clocks import KnownOfClient, Level, clocks
from licensegate.licensing.known_of_report import printed_at, said_by
from licensegate.licensing.report import Reading
from licensegate.licensing.states import LicenseState, Override, override_of, state_of

from .clients import ClientKey
from .entries import ProductEntry

CURRENT: Final = timedelta(days=7)
"""How long the answer stands against later contacts. A product is asked once a day or more, a busy one once a week."""

AHEAD: Final = timedelta(days=1)
"""What lies further in the future was written while a clock was wrong."""
_UNREGISTERED: Final = ("unregistered", "registration_expired")


def product_entry(client: ClientKey, reading: Reading, at: datetime) -> ProductEntry:
    """The entry of what the product of this client said at this time."""
    known, report = said_by(reading, at), reading.report
    evaluation = clocks(known, at).evaluation_end
    return ProductEntry(
        client=client,
        said=at,
        registration_status=report.registration.status or "",
        authorization_status=report.authorization.status or "",
        last_contact=known.last_contact,
        contact_failed=known.contact_failed,
        registered=known.registered,
        out_of_compliance_since=known.out_of_compliance_since,
        authorization_expired=known.authorization_expired,
        contact_due=known.printed_contact,
        authorization_ends=known.printed_deadline,
        renewal_due=known.printed_certificate_renewal,
        registration_ends=known.printed_certificate_expiry,
        evaluation_ends=None if evaluation is None else evaluation.at,
    )


def entry_of_text(
    client: ClientKey, reading: Reading, kept: datetime, printed: datetime | None = None
) -> ProductEntry | None:
    """The entry of what a text says that was brought at this time; None if it names neither a state nor a date.

    The product said it when the text was `printed`: if nobody tells, then by its own clock, and at the latest when the
    text was brought.
    """
    entry = product_entry(client, reading, min(printed or printed_at(reading) or kept, kept))
    return None if entry == ProductEntry(client=client, said=entry.said) else entry


def contact_named(entry: ProductEntry, now: datetime) -> datetime | None:
    """The last successful contact that the product names; None if it is in the future, so that a clock is wrong."""
    contact = entry.last_contact
    return None if contact is None or contact - now > AHEAD else contact


def is_current(entry: ProductEntry, contact: datetime | None) -> bool:
    """Whether the product's answer still tells its state: `contact` is the last one that was seen elsewhere.

    A contact a week after the answer has moved the dates, and nobody has asked since.
    """
    return contact is None or contact - entry.said <= CURRENT


def known_with(known: KnownOfClient, entry: ProductEntry, now: datetime) -> KnownOfClient:
    """What is known of a client, completed by a current answer of its product. `known` has the contacts seen elsewhere.

    A product without a registration has no authorization that a contact could renew. The next contact and the renewal
    are estimated again once they are over and a contact was seen since the product named them.
    """
    seen = known.last_contact

    def still(due: datetime | None) -> datetime | None:
        return None if due is not None and due <= now and seen is not None and seen > entry.said else due

    contacts = [time for time in (seen, contact_named(entry, now)) if time is not None]
    ends = entry.evaluation_ends
    is_over = entry.authorization_status == "evaluation_expired"
    return structs.replace(
        known,
        model="reserved" if entry.registration_status == "reserved" else known.model,
        last_contact=None if entry.registration_status in _UNREGISTERED else max(contacts, default=None),
        registered=entry.registered,
        out_of_compliance_since=entry.out_of_compliance_since,
        authorization_expired=entry.authorization_expired,
        evaluation_at=entry.said,
        evaluation_left=None if ends is None or is_over else ends - entry.said,
        evaluation_expired=ends if is_over else None,
        no_licences_in_use=entry.authorization_status == "no_licenses_in_use",
        contact_failed=entry.contact_failed,
        printed_contact=still(entry.contact_due),
        printed_deadline=entry.authorization_ends,
        printed_certificate_renewal=still(entry.renewal_due),
        printed_certificate_expiry=entry.registration_ends,
    )


def certificate_with(known: KnownOfClient, entry: ProductEntry, now: datetime) -> KnownOfClient:
    """What is known of a client, completed by an answer that is no longer current: dates that no contact moves."""

    def ahead(due: datetime | None) -> datetime | None:
        return None if due is None or due <= now else due

    return structs.replace(
        known,
        printed_certificate_renewal=ahead(entry.renewal_due),
        printed_certificate_expiry=ahead(entry.registration_ends),
    )


def level_of(entry: ProductEntry, family: str) -> Level:
    """How urgent the state is that the product names, apart from its dates; OK if that is not known."""
    row = _row_of(entry, family)
    return Level.OK if row is None or row.level == "unknown" else Level[row.level.upper()]


def blocked_since(entry: ProductEntry, family: str) -> datetime | None:
    """When the product named a state in which something is blocked; None for other states."""
    row = _row_of(entry, family)
    return entry.said if row is not None and row.enforced == "now" else None


def _row_of(entry: ProductEntry, family: str) -> LicenseState | Override | None:
    registration, authorization = entry.registration_status, entry.authorization_status
    if not registration or not authorization:
        return None
    return override_of(family, registration, authorization) or state_of(registration, authorization)
