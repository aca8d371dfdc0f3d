"""A gate where everybody must log in, with a listener for each choice of schemes."""

import contextlib
import enum
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from support.authority import CISCO_HOSTS, Authority
from support.client_program import Client, Post, Trust
from support.gate import Gate, gate_settings
from support.java import STORE_PASSWORD
from support.licensing_exchange import MESSAGE, URL
from support.logins import PASSWORD, USER, write_user_files
from support.programs import run
from support.requirements import require_command
from support.standin import StandIn


class ListenerSchemes(enum.StrEnum):
    """What a listener of the gate takes, as the settings call it."""

    EVERYTHING = ""
    DIGEST = "digest"
    MD5 = "digest-md5"
    SHA_256 = "digest-sha-256"
    BASIC = "basic"


class LoginGate(Struct, frozen=True):
    """The gate, what its targets lead to, and what its clients trust."""

    gate: Gate
    standin: StandIn
    trust: Trust

    def port(self, offers: ListenerSchemes = ListenerSchemes.EVERYTHING) -> int:
        """Where the listener with these schemes listens."""
        return self.gate.listeners[list(ListenerSchemes).index(offers)][1]

    def proxy(
        self, password: str = PASSWORD, offers: ListenerSchemes = ListenerSchemes.EVERYTHING, *, login: bool = True
    ) -> str:
        """The URL of the proxy, with a login as clients are told it."""
        who = f"{USER}:{password}@" if login else ""
        return f"http://{who}127.0.0.1:{self.port(offers)}"

    def post(self, client: Client, proxy: str) -> str:
        """Run the client with one POST and return what it showed its user."""
        (shown,) = client.post((), self.trust, [Post(URL, proxy)])
        return shown

    def curl(
        self, *options: str, offers: ListenerSchemes = ListenerSchemes.EVERYTHING
    ) -> subprocess.CompletedProcess[str]:
        """Have curl post the message with these options for the login."""
        proxy = ("--proxy", f"http://127.0.0.1:{self.port(offers)}")
        fixed = ("--silent", "--show-error", "--include", "--cacert", self.trust.pem, "--data-binary", "@-")
        return run(require_command("curl", "curl"), *fixed, *proxy, *options, URL, stdin=MESSAGE)

    def logins(self, at_least: int) -> list[tuple[str, str]]:
        """Of each record, once there are so many, the scheme of its login, and what became of that."""
        return [login_of(record) for record in self.gate.records(at_least)]

    def all_logins(self) -> list[tuple[str, str]]:
        """The same of all, after a stop."""
        self.gate.stop()
        return self.logins(0)


def login_of(record: dict[str, Any]) -> tuple[str, str]:
    """What a record tells of a login: the scheme, and the result."""
    return record.get("login", ""), record["login_result"]


@contextlib.contextmanager
def run_login_gate(
    folder: Path, authority: Authority, more: str = "", users: Sequence[tuple[str, str]] = ((USER, PASSWORD),)
) -> Iterator[LoginGate]:
    """A gate with two files of users, by default one of each; `more` is TOML for `[auth]` and what follows."""
    write_user_files(folder, *users)
    listeners = "".join(
        f'[[listen]]\naddress = "127.0.0.1:0"\nauth = {json.dumps(offers.split())}\n' for offers in ListenerSchemes
    )
    auth = f'[auth]\nrequired = true\nhtpasswd = "users.htpasswd"\nhtdigest = "users.htdigest"\n{more}'
    with StandIn(authority) as standin:
        usual = gate_settings(*(f"{host}:443:127.0.0.1:{standin.port}" for host in CISCO_HOSTS), more=auth)
        settings = usual.replace('[[listen]]\naddress = "127.0.0.1:0"\n', listeners, 1)
        trust = Trust(authority.root, authority.java_truststore(STORE_PASSWORD))
        with Gate(folder, settings) as gate:
            yield LoginGate(gate, standin, trust)
