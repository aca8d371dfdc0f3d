"""The last changes as a table, each with what has changed, or why nothing has."""

from licensegate.app.overview.changes import ChangeList
from licensegate.records.change import Change

from .tables import Block, Column, TableRow, TextTable
from .values import Values


def change_list(answer: ChangeList, values: Values) -> list[Block]:
    """A page of them, the newest first."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Time")),
        Column(gettext("Change")),
        Column(gettext("Result")),
        Column(gettext("Requested by"), gives_way=1),
        Column(gettext("What happened"), below=True),
    )
    note = ""
    if answer.pages > 1:
        note = gettext("Page {page} of {pages}").format(page=answer.page, pages=answer.pages)
    return [TextTable("", columns, [_row(each, values) for each in answer.changes], note=note)]


def _row(each: Change, values: Values) -> TableRow:
    gettext = values.language.gettext
    done, refused = (gettext("done"), gettext("refused")) if values.for_people else ("done", "refused")
    return TableRow(
        (
            values.moment(each.time),
            each.kind,
            done if each.ok else refused,
            ", ".join(map(str, each.by)),
            each.message,
        ),
        None if each.ok else "warning",
    )
