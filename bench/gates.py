"""The gate's commands and settings: everything on, and once more with each feature that has a price of its own."""

import sys
from pathlib import Path

from credentials import certificate, htdigest, htpasswd
from route import REALM
from running import Instance, UnavailableError

TARGET_HOST = "localhost"
CONNECTIONS = 8192
"""Tunnels that every contender allows."""


def gate(instance: Instance, more: str = "", checkout: Path | None = None) -> list[str]:
    """The gate with its access log and admin server; `more` are further tables of its settings.

    It is that of this environment, or of another checkout with an environment of its own. Raises UnavailableError.
    """
    settings = f"""
        [[listen]]
        address = "127.0.0.1:{instance.port}"

        [[allowlist.rule]]
        host = "{TARGET_HOST}"
        port = {instance.target_port}
        private = true

        [limits]
        tunnels = {CONNECTIONS}
        tunnels_per_client = {CONNECTIONS}

        [log]
        access = "{instance.folder / "access.log"}"
        lines_per_client = 0

        [admin]
        listen = "127.0.0.1:0"

        [probe]
        handshake = "off"

        {more}
    """
    return [_program(checkout), "serve", "--config", str(instance.write("licensegate.toml", settings))]


def _program(checkout: Path | None) -> str:
    """The path of the `licensegate` command."""
    folder = Path(sys.executable).parent if checkout is None else checkout.resolve() / ".venv" / "bin"
    command = folder / "licensegate"
    if not command.exists():
        raise UnavailableError(f"{command} does not exist: run scripts/environment.sh test in that checkout")
    return str(command)


def gate_with_basic(instance: Instance) -> list[str]:
    """Clients must log in, by Basic."""
    return gate(instance, f'[auth]\nrequired = true\nhtpasswd = "{htpasswd(instance)}"')


def gate_with_digest(instance: Instance) -> list[str]:
    """Clients must log in, by Digest with MD5."""
    return gate(instance, f'[auth]\nrequired = true\nrealm = "{REALM}"\nhtdigest = "{htdigest(instance)}"')


def gate_with_tls(instance: Instance) -> list[str]:
    """Clients speak TLS to the gate."""
    pem, key = certificate(instance.folder)
    return gate(instance, f'[tls]\ncertificate = "{pem}"\nkey = "{key}"')


def gate_with_parent(instance: Instance) -> list[str]:
    """Targets are reached through a parent proxy."""
    return gate(instance, f'[[parent]]\nurl = "http://127.0.0.1:{instance.parent_port}"\nauth = "none"')


def gate_with_ledger(instance: Instance) -> list[str]:
    """Contacts are kept in a ledger on disk."""
    return gate(instance, f'[state]\ndirectory = "{instance.folder / "state"}"')


def pair_of_gates(instance: Instance) -> list[str]:
    """Two gates that share one listening socket, as with deploy/licensegate@.service."""
    launcher = Path(__file__).with_name("pair.py")
    return [sys.executable, str(launcher), str(instance.port), *gate(instance)]
