"""The clients as a table: how each stands, its last contact, and which date comes next."""

from collections.abc import Collection, Sequence

from licensegate.app.overview.clients import ClientList, ClientRow, DeadlineRow

from .tables import Block, Column, Headline, TableRow, TextTable
from .values import NOTHING, Values


def client_list(answer: ClientList, values: Values) -> list[Block]:
    """A page of the clients, the most urgent first."""
    gettext = values.language.gettext
    blocks: list[Block] = []
    if values.for_people and not answer.complete:
        text = gettext("The ledger cannot be read at the moment: only recent clients are known.")
        blocks.append(Headline(text, "warning"))
    note = ""
    if answer.pages > 1:
        note = gettext("Page {page} of {pages}").format(page=answer.page, pages=answer.pages)
    empty = gettext("No client has been here yet.")
    if answer.query:
        empty = gettext("No client matches “{query}”.").format(query=answer.query)
    return [*blocks, client_table("", answer.clients, empty, note, values)]


def client_table(
    title: str, rows: Sequence[ClientRow], empty: str, note: str, values: Values, known: Collection[str] = ()
) -> TextTable:
    """Clients, the most urgent first. For people, what is wrong stands below a client, unless that is known already."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Level")),
        Column(gettext("Client")),
        Column(gettext("Last contact")),
        Column(gettext("Next date"), gives_way=1),
        Column(gettext("What is due"), gives_way=3),
        Column(gettext("Blocked from"), gives_way=2),
        Column(gettext("Last failure"), gives_way=4),
        Column(gettext("Product"), gives_way=5),
        Column(gettext("Address"), gives_way=6),
        Column(gettext("Program"), gives_way=7),
        Column(gettext("What is known"), below=True),
        Column(gettext("What to change"), below=True),
    )
    return TextTable(title, columns, [_row(each, values, is_known=each.name in known) for each in rows], empty, note)


def _row(each: ClientRow, values: Values, *, is_known: bool) -> TableRow:
    is_said = not values.for_people or (each.level != "ok" and not is_known)
    return TableRow(
        (
            each.level_word if values.for_people else each.level,
            each.name,
            values.ago(each.last_contact),
            *_next_date(each.deadlines, values),
            values.day(each.enforced),
            values.ago(each.last_failure),
            each.product,
            each.addresses[0] if each.addresses else "",
            each.program,
            each.sentence if is_said else "",
            each.remedy if is_said else "",
        ),
        each.level,
    )


def _next_date(deadlines: Sequence[DeadlineRow], values: Values) -> tuple[str, str]:
    """The earliest date that is still to come, else the last one that has passed; and what is due then."""
    if not deadlines:
        return NOTHING, NOTHING
    due = next((each for each in deadlines if each.days_left >= 0), deadlines[-1])
    return (values.ago(due.at), due.word) if values.for_people else (values.day(due.at), due.name)
