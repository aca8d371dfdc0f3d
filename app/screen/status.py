"""The gate at a glance: what needs attention, the gate itself, its targets, clients, last refusals and connections."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from licensegate.app.overview.attention import Attention
from licensegate.app.overview.gate_summary import GateSummary
from licensegate.app.overview.overview import Overview
from licensegate.app.overview.targets import TargetRow

from .clients import client_table
from .refusals import refusal_table
from .tables import Block, Column, FactList, Headline, TableRow, TextTable
from .tunnels import tunnel_table
from .values import NOTHING, Values

_REACHED: Final = {True: "reached", False: "not_reached", None: "unknown"}


def status(answer: Overview, values: Values) -> list[Block]:
    """Everything in short, the most urgent first."""
    gettext = values.language.gettext
    blocks: list[Block] = [Headline(answer.headline, answer.level)]
    if answer.attention or not values.for_people:
        more = _more(answer.attention_total - len(answer.attention), values)
        blocks.append(_attention(answer.attention, more, values))
    blocks.append(FactList(gettext("The gate"), list(_gate(answer.gate, values))))
    known = [each.name for each in answer.attention] if values.for_people else []
    blocks.append(_targets(answer.targets, known, values))
    no_client = gettext("No client has been here yet.")
    more_clients = _more(answer.clients_total - len(answer.clients), values)
    blocks.append(client_table(gettext("Clients"), answer.clients, no_client, more_clients, values, known))
    more_refusals = _more(answer.refusals_total - len(answer.refusals), values)
    blocks.append(refusal_table(gettext("Last refusals and failures"), answer.refusals, more_refusals, values, known))
    more_tunnels = _more(answer.gate.connections - len(answer.tunnels), values)
    blocks.append(tunnel_table(gettext("Live tunnels"), answer.tunnels, more_tunnels, values))
    return blocks


def _more(count: int, values: Values) -> str:
    return values.language.ngettext("{n} more", "{n} more", count).format(n=count) if count > 0 else ""


def _attention(rows: Sequence[Attention], note: str, values: Values) -> TextTable:
    gettext = values.language.gettext
    columns = (
        Column(gettext("Level")),
        Column(gettext("About")),
        Column(gettext("Until"), gives_way=1),
        Column(gettext("What happened"), below=True),
        Column(gettext("What to change"), below=True),
    )
    cells = [
        TableRow(
            (
                each.level_word if values.for_people else each.level,
                each.name or gettext("The gate"),
                values.day(each.until),
                each.sentence,
                each.remedy,
            ),
            each.level,
        )
        for each in rows
    ]
    return TextTable(gettext("Needs attention"), columns, cells, "", note)


def _gate(gate: GateSummary, values: Values) -> Iterator[tuple[str, str]]:
    gettext = values.language.gettext
    yield gettext("State"), gate.state_word if values.for_people else gate.state
    yield gettext("Version"), gate.version
    yield gettext("Started"), values.ago(gate.started)
    yield gettext("Listens on"), " ".join(gate.listeners)
    open_now = gettext("{open} open, at most {limit}").format(open=gate.connections, limit=gate.connections_limit)
    yield gettext("Connections"), open_now
    modes = {"enforce": gettext("enforced"), "report": gettext("only reported: other targets pass")}
    yield gettext("Allowlist"), modes[gate.mode] if values.for_people else gate.mode
    yield gettext("Certificate of the gate"), values.ago(gate.certificate_ends)
    ledger = gate.ledger
    yield gettext("Ledger"), ledger.state_word if values.for_people else ledger.state
    yield gettext("Settings"), gate.settings
    dropped = sum(gate.log_lines_dropped.values())
    if dropped:
        yield gettext("Log lines lost"), str(dropped)


def _targets(rows: Sequence[TargetRow], known: Collection[str], values: Values) -> TextTable:
    """The targets. What is wrong with those that are known to need attention was said above."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Target")),
        Column(gettext("Connection")),
        Column(gettext("Last reached"), gives_way=1),
        Column(gettext("Certificate"), gives_way=2),
        Column(gettext("Ends"), gives_way=3),
        Column(gettext("Clock"), is_number=True, gives_way=4),
        Column(gettext("What happened"), below=True),
        Column(gettext("What to change"), below=True),
    )
    cells = [
        TableRow(
            (
                each.target,
                each.state if values.for_people else _REACHED[each.reached],
                values.ago(each.reached_at),
                each.verdict_text if values.for_people else each.verdict,
                values.ago(each.certificate_ends),
                NOTHING if each.skew_seconds is None else f"{each.skew_seconds:+.0f} s",
                "" if each.target in known else each.sentence,
                "" if each.target in known else each.remedy,
            ),
            each.level,
        )
        for each in rows
    ]
    empty = gettext("No rule allows a target by its exact name, so there is none to watch.")
    return TextTable(gettext("Targets"), columns, cells, empty)
