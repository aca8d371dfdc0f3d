"""Gates by the name that a scenario gives them: open ones, hurried ones, full ones, and those that want a login."""

from collections.abc import Callable, Mapping
from pathlib import Path

from support.gate import gate_settings
from support.logins import PASSWORD, USER, htdigest_lines, write_user_files
from support.matrix.requests import HOST
from support.matrix.results import LISTEN

_RULE = f'[[allowlist.rule]]\nhost = "{HOST}"\n'
_AUTH = '[auth]\nrequired = true\nhtpasswd = "users.htpasswd"\nhtdigest = "users.htdigest"\n'

Settings = Callable[[Path], str]


def _always(text: str) -> Settings:
    return lambda folder: text


def _login(schemes: str = "", more: str = "") -> Settings:
    def settings(folder: Path) -> str:
        write_user_files(folder)
        return f"{_AUTH}{more}" + (f'schemes = ["{schemes}"]\n' if schemes else "")

    return settings


def _md5_alone(folder: Path) -> str:
    """A user file as htdigest writes it, without SHA-256."""
    (folder / "users.htdigest").write_text(htdigest_lines(USER, PASSWORD).splitlines(keepends=True)[0])
    return '[auth]\nrequired = true\nhtdigest = "users.htdigest"\n'


GATES: Mapping[str, tuple[Settings, str]] = {
    "open": (_always(""), "good"),
    "hurried": (_always("[limits]\nhead_seconds = 1\nhello_seconds = 1\n"), "good"),
    "strict": (_always('[clients]\nnetworks = ["192.0.2.0/24"]\n'), "good"),
    "login": (_login(), "good"),
    "denied": (_login(), "good"),
    "unknown_user": (_login(), "good"),
    "repeated": (_login(), "good"),
    "guessed": (_login(), "good"),
    "basic": (_login("basic"), "good"),
    "md5": (_md5_alone, "good"),
    "trusting": (_login(more='trusted_networks = ["127.0.0.1"]\n'), "good"),
    "full": (_always("[limits]\ntunnels = 1\n"), "good"),
    "client_full": (_always("[limits]\ntunnels_per_client = 1\n"), "good"),
    "client_too_fast": (_always("[limits]\nburst = 1\nconnections_per_client_per_second = 0.01\n"), "good"),
    "draining": (_always(""), "good"),
    "stopping": (_always("[limits]\ndrain_seconds = 0.5\n"), "good"),
    "idle": (_always("[limits]\nidle_seconds = 1\n"), "unanswered"),
    "lifetime": (_always("[limits]\nlifetime_seconds = 1\n"), "unanswered"),
    "idle_kept": (_always("[limits]\nidle_seconds = 1\n"), "keeps_open"),
}
"""What each gate's settings have beside the usual, and the target that its clients reach (`support.matrix.servers`)."""


def settings_of(part: str, folder: Path, ports: Mapping[str, int], listeners: int) -> str:
    """The settings of this gate, with so many listeners."""
    more, target = GATES[part]
    usual = gate_settings(f"{HOST}:443:127.0.0.1:{ports[target]}", more=_RULE + more(folder))
    return usual.replace(LISTEN, LISTEN * listeners)
