"""The clients: who has reached Cisco and when, which deadline comes next, and why the last contact failed."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from .answer import Answer
from .refusals import RefusalRow
from .words import KindName, LevelName


class DeadlineRow(Struct, frozen=True, kw_only=True):
    """One of a client's dates.

    `name` is the limit's (`docs/licensing.md`): `contact` and `authorization` are the next contact and the end of the
    authorization, `overage` the end of the overage after it. `word` is a short heading, `meaning` a sentence. `printed`
    if the product named the date, else it is an estimate. `days_left` are whole days, rounded down: -1 passed less than
    a day ago. `starts` is where the time began, None if that is not known.
    """

    name: str
    word: str
    meaning: str
    at: datetime
    printed: bool
    days_left: int
    level: LevelName
    starts: datetime | None = None


class ClientRow(Struct, frozen=True, kw_only=True):
    """One client.

    `key` identifies it in requests for one client. `name` is what people call it: the settings' name, else the
    `given_name` of its page, else its login, certificate or address, which `kind_word` tells apart. `addresses` are
    those it came from lately, the newest first, `program` is the User-Agent of its newest connection, and `product` its
    product's family; all may be empty. `model` is the kind of its clocks (`licensing.clocks`), empty if it has none.

    `last_contact` is the last successful contact, `by_hand` if it was recorded by hand; `last_seen` is its newest
    connection, whatever came of it; `last_failure` its last failed contact. `deadlines` are its dates, the earliest
    first, and `enforced` is the earliest date at which something may be blocked.

    `level` is how it stands; `sentence` says why in one sentence and `remedy` what to change, which may be empty.
    `finding` is the label of what is known about its last connection, `certainty` and `certainty_word` how sure that is
    and `evidence` what was seen. `finding_sentence` and `finding_remedy` say why its last contact failed, and are empty
    if it did not.
    """

    key: str
    kind: KindName
    kind_word: str
    name: str
    level: LevelName
    level_word: str
    given_name: str = ""
    sentence: str = ""
    remedy: str = ""
    product: str = ""
    model: str = ""
    addresses: list[str] = []
    program: str = ""
    last_contact: datetime | None = None
    by_hand: bool = False
    last_seen: datetime | None = None
    last_failure: datetime | None = None
    deadlines: list[DeadlineRow] = []
    enforced: datetime | None = None
    finding: str = ""
    certainty: str = ""
    certainty_word: str = ""
    finding_sentence: str = ""
    finding_remedy: str = ""
    evidence: str = ""


class ClientList(Answer, frozen=True, kw_only=True):
    """One page of the clients that `query` finds, the most urgent first.

    `page` counts from 1 and is at most `pages`; `total` are the clients on all pages. `by_level` has the number of all
    clients of each level, whatever the query. `complete` is False while the ledger cannot be read: only recent clients
    are known then.
    """

    query: str
    page: int
    pages: int
    total: int
    by_level: dict[LevelName, int]
    complete: bool
    clients: list[ClientRow]


class DayRow(Struct, frozen=True, kw_only=True):
    """One day, in UTC, with at least one connection. Bytes are those of the client's connections of the day."""

    day: date
    connections: int
    answered: int
    failed: int
    from_client: int
    to_client: int


class ContactRow(Struct, frozen=True, kw_only=True):
    """A client's contacts with one target. `sentence` describes the last failure, if it is newer than the success."""

    target: str
    first_success: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None
    outcome: str = ""
    finding: str = ""
    sentence: str = ""


class ManualRow(Struct, frozen=True, kw_only=True):
    """Something done by hand: a `contact` (files carried between a site and Cisco) or a `login` at an SSM On-Prem.

    `word` says which. `recorded_by` wrote it down at `recorded`.
    """

    what: str
    word: str
    time: datetime
    recorded: datetime
    recorded_by: str
    note: str = ""


class EntitlementRow(Struct, frozen=True, kw_only=True):
    """One licence that a product uses. `count` is None if the product did not print it. `status` is a label."""

    name: str
    count: int | None = None
    status: str = ""
    status_word: str = ""


class LicenseStateRow(Struct, frozen=True, kw_only=True):
    """What a product said about its licences, and what it means.

    `registration` and `authorization` are labels (`docs/licensing.md`), with a word for each. `meaning` says what they
    mean together, `remedy` what to do, `blocked` what enforcement blocks on this product; empty if that is not known.
    `source` is the document behind it. `said` is when the product said it; `by` is `product` if the gate asked it, else
    `text`.
    """

    said: datetime
    by: Literal["product", "text"]
    registration: str
    authorization: str
    registration_word: str = ""
    authorization_word: str = ""
    level: LevelName
    level_word: str
    meaning: str
    remedy: str
    blocked: str
    source: str
    entitlements: list[EntitlementRow] = []


class ProductTextRow(Struct, frozen=True, kw_only=True):
    """A `show license` text that somebody pasted or uploaded for a client, and who brought it when.

    `notes` are sentences about what in it could not be read.
    """

    received: datetime
    recorded_by: str
    text: str
    notes: list[str] = []


class ProgramRow(Struct, frozen=True, kw_only=True):
    """One program behind one of the client's addresses, by how it writes its CONNECT and its ClientHello.

    `server_name_sent` is None until a ClientHello of it was read. `refusal_taken` is its reaction to a refusal.
    """

    address: str
    user_agent: str
    http_version: str
    fields: tuple[str, ...]
    host_form: str
    server_name_sent: bool | None
    alpn: tuple[str, ...]
    tls_version: str
    refusal_taken: str
    connections: int
    first_seen: datetime
    last_seen: datetime


class ClientDetail(Answer, frozen=True, kw_only=True):
    """Everything that is known of one client.

    `days` are the days of the last year with a connection, the oldest first; `manual` and `refusals` have the newest
    first. `state` is None if the product said nothing; `text` is its newest pasted text. `complete` is False while the
    ledger cannot be read.
    """

    complete: bool
    client: ClientRow
    days: list[DayRow]
    targets: list[ContactRow]
    manual: list[ManualRow]
    state: LicenseStateRow | None
    text: ProductTextRow | None
    programs: list[ProgramRow]
    refusals: list[RefusalRow]


class EvidenceSheet(Answer, frozen=True, kw_only=True):
    """What one client did in one month, for an auditor.

    `month` is its first day. `days` has every day of the month until today, also those without a connection; `manual`
    what was done by hand in it, the oldest first. `days_with_contact` counts the days on which Cisco answered or a
    contact was recorded by hand. `longest_gap_days` is the longest run of days without one. `gate` and `ledger` say
    where the numbers come from.
    """

    client: ClientRow
    month: date
    days: list[DayRow]
    targets: list[ContactRow]
    manual: list[ManualRow]
    connections: int
    answered: int
    failed: int
    days_with_contact: int
    longest_gap_days: int
    gate: str
    ledger: str
