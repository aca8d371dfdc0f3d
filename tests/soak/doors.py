"""The gates of a soak: one with every door, and one that reaches it as its parent proxy."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from support.gate import NO_LOOKS, Gate
from support.handed_over import STATE
from support.logins import PASSWORD, USER, write_user_files

from .origin import HOST
from .process import environment

REFUSING = "api.cisco.com"
"""An allowed target whose port refuses connections."""

TRUSTED = "127.0.1.0/24"
"""Clients that need no login."""

LOGGING_IN = "127.0.2.0/24"
BALANCERS = "127.0.3.0/24"
BEHIND_BALANCERS = "10.1.0.0/16"
BRANCH = "127.0.4.1"
"""Where the gate connects from that has the other one as its parent."""

MOST_HEAD_BYTES = 2048

_COMMON = f"""
{STATE}
{NO_LOOKS}
[limits]
head_bytes = {MOST_HEAD_BYTES}
head_seconds = 2
hello_seconds = 2
half_closed_seconds = 20
dial_seconds = 5
[log]
access = "access.jsonl"
lines_per_client = 0
changes = "changes.jsonl"
"""


class Doors(Struct, frozen=True):
    """The running gates, and the ports of the one with every door, on 127.0.0.1 and, `ipv6`, on ::1."""

    gate: Gate
    branch: Gate

    @property
    def plain(self) -> int:
        """For plain HTTP, TLS to the gate, and TLS straight to a target."""
        return self.gate.listeners[0][1]

    @property
    def ipv6(self) -> int:
        """The same for IPv6."""
        return self.gate.listeners[1][1]

    @property
    def balanced(self) -> int:
        """For balancers, which send a PROXY header."""
        return self.gate.listeners[2][1]


@contextlib.contextmanager
def open_doors(folder: Path, origin: int, refusing: int) -> Iterator[Doors]:
    """Run both gates. `origin` and `refusing` are the ports of the targets."""
    (folder / "gate").mkdir()
    (folder / "branch").mkdir()
    write_user_files(folder / "gate")
    (folder / "branch" / "password").write_text(PASSWORD)
    with (
        _gate(folder / "gate", _settings(origin, refusing)) as gate,
        _gate(folder / "branch", _branch_settings(gate.port)) as branch,
    ):
        yield Doors(gate, branch)


def _gate(folder: Path, settings: str) -> Gate:
    return Gate(folder, settings, environment=environment(folder))


def _settings(origin: int, refusing: int) -> str:
    connect_to = [f"{HOST}:443:127.0.0.1:{origin}", f"{REFUSING}:443:127.0.0.1:{refusing}"]
    return f"""
[[listen]]
address = "127.0.0.1:0"
[[listen]]
address = "[::1]:0"
[[listen]]
address = "127.0.0.1:0"
proxy_protocol_from = ["{BALANCERS}"]
[auth]
required = true
htpasswd = "users.htpasswd"
htdigest = "users.htdigest"
trusted_networks = ["{TRUSTED}", "{BEHIND_BALANCERS}", "::1"]
[dial]
connect_to = {json.dumps(connect_to)}
[admin]
listen = "127.0.0.1:0"
{_COMMON}
"""


def _branch_settings(parent: int) -> str:
    return f"""
[[listen]]
address = "127.0.0.1:0"
[dial]
source_address = "{BRANCH}"
[[parent]]
url = "http://127.0.0.1:{parent}"
username = "{USER}"
password_file = "password"
[admin]
listen = "127.0.0.1:0"
{_COMMON}
"""
