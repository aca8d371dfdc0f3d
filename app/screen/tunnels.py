"""The open connections as a table."""

from collections.abc import Sequence

from msgspec import structs

from licensegate.app.overview.tunnels import TunnelList, TunnelRow

from .tables import Block, Column, TableRow, TextTable
from .values import Values


def tunnel_list(answer: TunnelList, values: Values) -> list[Block]:
    """A page of the open connections."""
    gettext = values.language.gettext
    note = ""
    if answer.pages > 1:
        note = gettext("Page {page} of {pages}").format(page=answer.page, pages=answer.pages)
    if answer.page < answer.pages:
        note += gettext("; the next one: --page {page}").format(page=answer.page + 1)
    table = tunnel_table("", answer.tunnels, note, values)
    rows = [TableRow((*row.cells, each.id), row.level) for row, each in zip(table.rows, answer.tunnels, strict=True)]
    return [structs.replace(table, columns=(*table.columns, Column("ID")), rows=rows)]


def tunnel_table(title: str, rows: Sequence[TunnelRow], note: str, values: Values) -> TextTable:
    """Open connections, the oldest first."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Client")),
        Column(gettext("Target")),
        Column(gettext("State"), gives_way=1),
        Column(gettext("Open for"), is_number=True),
        Column(gettext("Sent"), is_number=True, gives_way=3),
        Column(gettext("Received"), is_number=True, gives_way=2),
        Column(gettext("Address"), gives_way=4),
        Column(gettext("Parent proxy"), gives_way=5),
        Column(gettext("Program"), gives_way=6),
    )
    return TextTable(
        title,
        columns,
        [_row(each, values) for each in rows],
        gettext("No connection is open. Products connect for a few seconds, some once a day, some once a month."),
        note,
    )


def _row(each: TunnelRow, values: Values) -> TableRow:
    host = f"[{each.client}]" if ":" in each.client else each.client
    return TableRow(
        (
            each.client_name or each.client,
            each.target,
            each.state_word if values.for_people else each.state,
            values.lasting(each.seconds),
            values.size(each.bytes_from_client),
            values.size(each.bytes_to_client),
            f"{host}:{each.client_port}",
            each.parent,
            each.program,
        )
    )
