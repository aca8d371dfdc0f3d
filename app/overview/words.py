"""Words for the closed sets of values that people see: levels, kinds of clients, states, deadlines."""

from typing import Final, Literal, TypeAlias

from licensegate.language.language import N_, Language
from licensegate.ledger.clients import ClientKind
from licensegate.ledger.entries import ManualKind
from licensegate.ledger.intake import NO_TARGET
from licensegate.licensing.clocks import Level
from licensegate.proxy.protocol.states import State
from licensegate.records.finding import Certainty

LevelName: TypeAlias = Literal["ok", "unknown", "warning", "critical"]
"""How urgent it is. `unknown` is no alarm and not all right either. The labels of `licensing.clocks.Level`."""

KindName: TypeAlias = Literal["named", "login", "certificate", "address"]
"""What a client is known by: a `[[client]]` of the settings, its login, its certificate, or its address."""

NAME_OF_LEVEL: Final[dict[Level, LevelName]] = {
    Level.OK: "ok",
    Level.UNKNOWN: "unknown",
    Level.WARNING: "warning",
    Level.CRITICAL: "critical",
}
LEVEL_NAMED: Final[dict[LevelName, Level]] = {name: level for level, name in NAME_OF_LEVEL.items()}
NAME_OF_KIND: Final[dict[ClientKind, KindName]] = {
    ClientKind.NAMED: "named",
    ClientKind.LOGIN: "login",
    ClientKind.CERTIFICATE: "certificate",
    ClientKind.ADDRESS: "address",
}

_OTHER_TARGET: Final = N_("Another target")
_LEVELS: Final[dict[LevelName, str]] = {
    "ok": N_("all right"),
    "unknown": N_("not known"),
    "warning": N_("warning"),
    "critical": N_("critical"),
}
_KINDS: Final[dict[KindName, str]] = {
    "named": N_("named in the settings"),
    "login": N_("by its login"),
    "certificate": N_("by its certificate"),
    "address": N_("by its address"),
}
_CERTAINTIES: Final = {
    Certainty.CERTAIN: N_("certain"),
    Certainty.LIKELY: N_("likely"),
    Certainty.POSSIBLE: N_("possible"),
}
_STATES: Final = {
    State.PROXY_HEADER: N_("waits for the balancer's header"),
    State.HELLO: N_("waits for the first bytes"),
    State.HANDSHAKE: N_("TLS handshake with the gate"),
    State.HEAD: N_("waits for the request"),
    State.LOGIN: N_("login is being checked"),
    State.DIALLING: N_("connecting to the target"),
    State.INNER_HELLO: N_("waits for TLS in the tunnel"),
    State.RELAYING: N_("tunnel"),
    State.LINGERING: N_("refused, waits for the client to leave"),
    State.CLOSED: N_("closed"),
}
_DEADLINES: Final = {
    "contact": N_("next contact"),
    "authorization": N_("authorization ends"),
    "overage": N_("overage ends"),
    "certificate_renewal": N_("registration is renewed"),
    "certificate_expiry": N_("registration ends"),
    "evaluation": N_("evaluation ends"),
    "out_of_compliance_retry": N_("next check of compliance"),
    "acknowledgement": N_("acknowledgement is due"),
    "report": N_("next report"),
    "synchronisation": N_("next synchronisation"),
    "removal": N_("removed from the account"),
    "access_token": N_("access token ends"),
}
_DONE_BY_HAND: Final = {
    ManualKind.CONTACT: N_("contact by hand"),
    ManualKind.LOGIN: N_("login at the SSM On-Prem"),
}


def target_word(target: str, language: Language) -> str:
    """A target of the ledger, which has one name for all that no rule allows."""
    return language.gettext(_OTHER_TARGET) if target == NO_TARGET else target


def level_word(level: LevelName, language: Language) -> str:
    """A level for people."""
    return language.gettext(_LEVELS[level])


def kind_word(kind: KindName, language: Language) -> str:
    """What a client is known by, for people."""
    return language.gettext(_KINDS[kind])


def certainty_word(certainty: str | None, language: Language) -> str:
    """A certainty for people; empty without one."""
    return language.gettext(_CERTAINTIES[Certainty(certainty)]) if certainty else ""


def state_word(state: State, language: Language) -> str:
    """The state of a connection for people."""
    return language.gettext(_STATES[state])


def deadline_word(name: str, language: Language) -> str:
    """The heading of a deadline; its name if it is of a newer table."""
    return language.gettext(_DEADLINES.get(name, name))


def manual_word(kind: ManualKind, language: Language) -> str:
    """What was done by hand, for people."""
    return language.gettext(_DONE_BY_HAND[kind])
