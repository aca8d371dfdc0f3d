"""The rules of the allowlist as a table, each with how often it applied."""

from licensegate.app.overview.rules import RuleList, RuleRow
from licensegate.language.language import Language

from .tables import Block, Column, TableRow, TextTable
from .values import Values


def rule_list(answer: RuleList, values: Values) -> list[Block]:
    """All rules in force, in their order."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Rule")),
        Column(gettext("Used"), is_number=True),
        Column(gettext("Preset"), gives_way=1),
        Column(gettext("Only for"), gives_way=2),
    )
    note = gettext("Used: connections that ended since the gate started. A rule that nobody uses may be removed.")
    rows = [_row(each, values.language) for each in answer.rules]
    return [TextTable("", columns, rows, gettext("The allowlist has no rule."), note)]


def _row(each: RuleRow, language: Language) -> TableRow:
    gettext = language.gettext
    whom = [
        *(gettext("user {name}").format(name=name) for name in each.users),
        *each.networks,
        *(gettext("certificate {name}").format(name=name) for name in each.certificates),
        *([gettext("report-only mode")] if each.report else []),
    ]
    return TableRow((each.rule, str(each.hits), each.preset, ", ".join(whom)))
