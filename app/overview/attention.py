"""What needs attention: one row for each thing that is wrong or soon will be, the most urgent first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from licensegate.certs.identity import SOON
from licensegate.language.language import N_, Language
from licensegate.language.phrases import reworded
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.licensing.clocks import Level
from licensegate.products.no_answer import NoAnswerReason

from .clients import ClientRow
from .deadlines import OTHER_THAN_SILENCE
from .gate_summary import GateSummary
from .identities import key_text
from .targets import TargetRow
from .troubles import (
    CERTIFICATE_ENDS,
    CERTIFICATE_EXPIRED,
    DRAINING,
    FULL,
    LEDGER_FAILS,
    LEDGER_LOSES,
    LOG_LOSES,
    NEARLY_FULL,
    NO_LEDGER,
    NO_TARGETS,
    NOT_ACCEPTING,
    REPORT_ONLY,
    About,
    Trouble,
)
from .words import LEVEL_NAMED, NAME_OF_LEVEL, LevelName, level_word

MOST_ATTENTION: Final = 30
"""Rows in an overview. The first are the most urgent."""

_NEARLY_FULL: Final = 0.8


class Attention(Struct, frozen=True, kw_only=True):
    """Something that needs attention, in words.

    `code` is the stable name of the kind of trouble, `name` the target or the client that it is about, empty for the
    gate itself. `key` leads to the client's page, empty for all others. `sentence` says what is wrong, `remedy` what to
    change. `until` is when it becomes worse (a deadline, the end of a certificate), None where no date is known.
    """

    level: LevelName
    level_word: str
    about: About
    code: str
    name: str
    sentence: str
    remedy: str
    key: str = ""
    until: datetime | None = None


_LAST_FAILURE: Final = N_("{sentence} Its last failure: {failure}")
_NO_ANSWER: Final = N_("The product of {name} did not answer the gate when it was last asked.")
_CHANGE_SETTINGS: Final = N_("Change the settings, then reload them.")


def attention(
    gate: GateSummary,
    targets: Sequence[TargetRow],
    clients: Iterable[ClientRow],
    silent_products: Mapping[str, NoAnswerReason],
    warnings: Sequence[str],
    language: Language,
    now: datetime,
) -> list[Attention]:
    """Everything that needs attention, the most urgent first.

    `silent_products` say why a client's product did not answer when the gate asked it. `warnings` are those of the
    settings, in English.
    """
    found = [
        *_gate(gate, language, now),
        *_logs(gate, language),
        *_ledger(gate, language),
        *_targets(targets),
        *_clients(clients, language),
        *(_unanswered(client, reason, language) for client, reason in silent_products.items()),
        *(_warned(warning, language) for warning in warnings),
    ]
    return sorted(found, key=_urgency)


def _urgency(row: Attention) -> tuple[int, bool, float]:
    """The most urgent first, then those with a date, the earliest first, then in the order in which they were found."""
    return -LEVEL_NAMED[row.level], row.until is None, 0.0 if row.until is None else row.until.timestamp()


def _row(
    trouble: Trouble, language: Language, *, until: datetime | None = None, name: str = "", **known: object
) -> Attention:
    level = NAME_OF_LEVEL[trouble.level]
    known["name"] = name
    return Attention(
        level=level,
        level_word=level_word(level, language),
        about=trouble.about,
        code=trouble.code,
        name=name,
        sentence=language.gettext(trouble.sentence).format(**known),
        remedy=language.gettext(trouble.remedy).format(**known),
        until=until,
    )


def _unanswered(client: str, reason: NoAnswerReason, language: Language) -> Attention:
    return Attention(
        level="warning",
        level_word=level_word("warning", language),
        about="client",
        code=f"product_{reason.label}",
        name=client,
        sentence=language.gettext(_NO_ANSWER).format(name=client),
        remedy=_sentence(reason.remedy, language),
        key=key_text(ClientKey(ClientKind.NAMED, client)),
    )


def _warned(warning: str, language: Language) -> Attention:
    """A warning of the settings: one line that begins in lower case and has no full stop."""
    return Attention(
        level="warning",
        level_word=level_word("warning", language),
        about="settings",
        code="settings",
        name="",
        sentence=_sentence(warning, language),
        remedy=language.gettext(_CHANGE_SETTINGS),
    )


def _gate(gate: GateSummary, language: Language, now: datetime) -> Iterator[Attention]:
    if gate.state == "draining":
        yield _row(DRAINING, language, tunnels=gate.tunnels)
    elif gate.state == "not_accepting":
        yield _row(NOT_ACCEPTING, language)
    if gate.tunnels >= gate.connections_limit:
        yield _row(FULL, language, limit=gate.connections_limit)
    elif gate.tunnels > _NEARLY_FULL * gate.connections_limit:
        yield _row(NEARLY_FULL, language, tunnels=gate.tunnels, limit=gate.connections_limit)
    ends = gate.certificate_ends
    if ends is not None and ends - now < SOON:
        trouble = CERTIFICATE_EXPIRED if ends <= now else CERTIFICATE_ENDS
        yield _row(trouble, language, until=ends, date=f"{ends:%Y-%m-%d}")
    if gate.mode == "report":
        yield _row(REPORT_ONLY, language)
    elif not gate.rules:
        yield _row(NO_TARGETS, language)


def _logs(gate: GateSummary, language: Language) -> Iterator[Attention]:
    for name, count in gate.log_lines_dropped.items():
        if count:
            yield _row(LOG_LOSES, language, name=name, count=count)


def _ledger(gate: GateSummary, language: Language) -> Iterator[Attention]:
    ledger = gate.ledger
    if ledger.state == "failing":
        yield _row(LEDGER_FAILS, language, place=ledger.place)
    elif ledger.state == "off":
        yield _row(NO_LEDGER, language)
    if ledger.dropped:
        yield _row(LEDGER_LOSES, language, count=ledger.dropped)


def _targets(targets: Iterable[TargetRow]) -> Iterator[Attention]:
    for target in targets:
        if LEVEL_NAMED[target.level] > Level.UNKNOWN:
            yield Attention(
                level=target.level,
                level_word=target.level_word,
                about="target",
                code="target_not_reached" if target.reached is False else f"target_{target.verdict}",
                name=target.target,
                sentence=target.sentence,
                remedy=target.remedy,
                until=target.certificate_ends,
            )


def _clients(clients: Iterable[ClientRow], language: Language) -> Iterator[Attention]:
    for client in clients:
        if LEVEL_NAMED[client.level] > Level.UNKNOWN or (
            client.level == "unknown" and (client.kind == "named" or client.given_name)
        ):
            yield Attention(
                level=client.level,
                level_word=client.level_word,
                about="client",
                code=_client_code(client),
                name=client.name,
                sentence=_with_failure(client, language),
                remedy=client.remedy,
                key=client.key,
                until=client.enforced or min((due.at for due in client.deadlines), default=None),
            )


def _with_failure(client: ClientRow, language: Language) -> str:
    """What is wrong with a client, and why its last contact failed, which the remedy is about."""
    if client.finding_sentence in ("", client.sentence):
        return client.sentence
    return language.gettext(_LAST_FAILURE).format(sentence=client.sentence, failure=client.finding_sentence)


def _client_code(client: ClientRow) -> str:
    if client.finding_sentence and client.finding:
        return client.finding
    if client.last_contact is None:
        return "client_never_seen"
    urgent = [due for due in client.deadlines if LEVEL_NAMED[due.level] > Level.UNKNOWN]
    worst = max(urgent, key=lambda due: LEVEL_NAMED[due.level], default=None)
    return f"client_{worst.name}" if worst is not None and worst.name in OTHER_THAN_SILENCE else "client_silent"


def _sentence(text: str, language: Language) -> str:
    """A text that begins in lower case and has no full stop, as a sentence."""
    said = reworded(text, language)
    whole = "{text}" if said.endswith("?") else language.gettext("{text}.")
    return whole.format(text=f"{said[:1].upper()}{said[1:]}")
