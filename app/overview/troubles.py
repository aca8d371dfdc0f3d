"""The troubles of the gate itself: how urgent each is, what is wrong, what to change. One table."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from licensegate.language.language import N_
from licensegate.licensing.clocks import Level

About: TypeAlias = Literal["gate", "target", "client", "ledger", "log", "settings"]
"""What a row is about."""


class Trouble(Struct, frozen=True):
    """One kind of trouble with the gate itself: how urgent it is, what is wrong, what to change."""

    code: str
    about: About
    level: Level
    sentence: str
    remedy: str


NOT_ACCEPTING: Final = Trouble(
    "gate_not_accepting",
    "gate",
    Level.CRITICAL,
    N_("The gate accepts no clients: no listener can take a connection."),
    N_("Look in the service log for descriptors, memory or addresses that are missing."),
)
DRAINING: Final = Trouble(
    "gate_draining",
    "gate",
    Level.WARNING,
    N_("The gate is stopping: it takes no more clients and waits for {tunnels} open tunnels."),
    N_("Nothing, if somebody stopped it; otherwise start it again."),
)
FULL: Final = Trouble(
    "gate_full",
    "gate",
    Level.CRITICAL,
    N_("All {limit} places for tunnels are taken: further clients are refused."),
    N_("Look which clients have so many connections, or raise limits.tunnels and the limit on open files."),
)
NEARLY_FULL: Final = Trouble(
    "gate_nearly_full",
    "gate",
    Level.WARNING,
    N_("{tunnels} of {limit} places for tunnels are taken."),
    N_("Look which clients have so many connections, or raise limits.tunnels and the limit on open files."),
)
CERTIFICATE_EXPIRED: Final = Trouble(
    "gate_certificate_expired",
    "gate",
    Level.CRITICAL,
    N_("The gate's own certificate expired on {date}: clients that use TLS to the proxy reject it."),
    N_("Replace the files of tls.certificate and tls.key; the gate reads them again by itself."),
)
CERTIFICATE_ENDS: Final = Trouble(
    "gate_certificate_expires",
    "gate",
    Level.WARNING,
    N_("The gate's own certificate expires on {date}."),
    N_("Replace the files of tls.certificate and tls.key; the gate reads them again by itself."),
)
REPORT_ONLY: Final = Trouble(
    "allowlist_reports",
    "settings",
    Level.WARNING,
    N_("The allowlist only reports: targets that are not allowed pass."),
    N_("Set allowlist.mode to enforce once the list is complete."),
)
NO_TARGETS: Final = Trouble(
    "no_targets",
    "settings",
    Level.CRITICAL,
    N_("No target is allowed, so every client is refused."),
    N_("Name a preset in allowlist.presets, or add an allowlist.rule."),
)
LOG_LOSES: Final = Trouble(
    "log_lines_lost",
    "log",
    Level.WARNING,
    N_("{count} lines of the {name} log are lost: it had no reader, or could not be written."),
    N_("Check the reader of the log, the disk and the rights of its file."),
)
LEDGER_FAILS: Final = Trouble(
    "ledger_fails",
    "ledger",
    Level.CRITICAL,
    N_("The ledger in {place} cannot be used: contacts wait in memory and are lost if the gate stops."),
    N_("The service log has the reason: check the disk, the rights of the file, or the database."),
)
LEDGER_LOSES: Final = Trouble(
    "ledger_loses",
    "ledger",
    Level.WARNING,
    N_("{count} records have found no place in the ledger."),
    N_("The service log has the reason; contacts of that time may be missing."),
)
NO_LEDGER: Final = Trouble(
    "no_ledger",
    "ledger",
    Level.UNKNOWN,
    N_("Contacts are not kept: after a restart nobody knows who has been silent for how long."),
    N_("Set state.directory or ledger.url for a ledger."),
)
