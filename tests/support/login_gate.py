"""A gate that requires logins, with a listener for each choice of schemes."""

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
    """The schemes that a listener offers, as in its `auth` setting."""

    EVERYTHING = ""
    DIGEST = "digest"
    MD5 = "digest-md5"
    SHA_256 = "digest-sha-256"
    BASIC = "basic"


class LoginGate(Struct, frozen=True):
    """A gate that requires logins, the stand-in for its targets, and its clients' roots."""

    gate: Gate
    standin: StandIn
    trust: Trust

    def port(self, offers: ListenerSchemes = ListenerSchemes.EVERYTHING) -> int:
        """The port of the listener with these schemes."""
        return self.gate.listeners[list(ListenerSchemes).index(offers)][1]

    def proxy(
        self, password: str = PASSWORD, offers: ListenerSchemes = ListenerSchemes.EVERYTHING, *, login: bool = True
    ) -> str:
        """The proxy's URL, with user and password unless `login` is false."""
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
        """Wait for `at_least` records. Returns the login scheme and result of each."""
        return [login_of(record) for record in self.gate.records(at_least)]

    def all_logins(self) -> list[tuple[str, str]]:
        """Stop the gate. Returns the login scheme and result of every record."""
        self.gate.stop()
        return self.logins(0)


def login_of(record: dict[str, Any]) -> tuple[str, str]:
    """The login scheme and result of a record."""
    return record.get("login", ""), record["login_result"]


@contextlib.contextmanager
def run_login_gate(
    folder: Path, authority: Authority, more: str = "", users: Sequence[tuple[str, str]] = ((USER, PASSWORD),)
) -> Iterator[LoginGate]:
    """Run a gate with an htpasswd and an htdigest file of `users`. `more` is TOML after `[auth]`."""
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
