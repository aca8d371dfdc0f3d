"""`licensegate doctor --bundle` with secrets planted everywhere: none of them is in the bundle or in the output."""

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from support.gate import COMMAND
from support.intercepting_parent import await_port
from support.logins import htdigest_lines, htpasswd_line
from support.programs import run_within
from support.upstream import SECONDS, closed_port

SETTINGS = """
# an old password: {comment}
[[listen]]
address = "127.0.0.1:{port}"
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "users.htpasswd"
htdigest = "users.htdigest"
nonce_key_file = "nonce.key"
realm = "password={realm}"
[admin]
token_file = "admin.token"
listen = "127.0.0.1:0"
[log]
access = "access.jsonl"
[[parent]]
url = "http://127.0.0.1:{closed}"
username = "{username}"
password_file = "parent.secret"
[[parent]]
url = "http://127.0.0.2:{closed}"
username = "svc"
password_env = "OTHER_PASSWORD"
user_agent = "{user_agent}"
"""

NAMES = (
    "comment", "realm", "username", "user_agent", "parent_file", "parent_env", "basic_user", "digest_user", "token",
    "nonce", "typed", "env_url", "env_value", "command_line", "log_field", "log_query", "log_userinfo", "log_basic",
    "log_key",
)  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> dict[str, str]:
    """A secret for each place."""
    return {name: f"S3{secrets.token_hex(10)}" for name in NAMES}


@contextlib.contextmanager
def holding(port: int, *arguments: str) -> Iterator[None]:
    """Another program that has a port of the gate, with arguments that are in /proc for everybody."""
    program = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(99)"
    process = subprocess.Popen([sys.executable, "-c", program, str(port), *arguments])
    try:
        await_port(process, port, ())
        yield
    finally:
        process.kill()
        process.wait(SECONDS)


@pytest.fixture(scope="module")
def collected(planted: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that the doctor wrote: its output, as text and as JSON, and every file of the bundle."""
    folder = tmp_path_factory.mktemp("planted")
    port = closed_port()
    write_files(folder, planted, port)
    environment = {
        "OTHER_PASSWORD": planted["parent_env"],
        "https_proxy": f"http://someone:{planted['env_url']}@proxy.example:8080",
        "MY_API_TOKEN": planted["env_value"],
    }
    login = ("--login", "cucm", "--password-file", folder / "typed.txt")
    written = []
    with holding(port, f"--password={planted['command_line']}"):
        for form in ([], ["--json"]):
            bundle = folder / f"bundle{len(form)}.tar.gz"
            command = (COMMAND, "doctor", "--config", folder / "gate.toml", *login, "--bundle", bundle, *form)
            done = run_within(100, *command, **environment)  # type: ignore[arg-type]
            assert done.returncode == 1, done.stderr
            written += [done.stdout, done.stderr, *unpacked(bundle)]
    return "\n".join(written)


def write_files(folder: Path, planted: dict[str, str], port: int) -> None:
    made = run_within(SECONDS, COMMAND, "cert", "make", "--name", "gate.example", "--out", folder)
    assert made.returncode == 0, made.stderr
    text = SETTINGS.format(port=port, closed=closed_port(), **planted)
    (folder / "gate.toml").write_text(text)
    lines: Sequence[dict[str, object]] = (
        {"schema": 2, "event": "end", "user_agent": f"agent token={planted['log_field']}", "target": "a.example:443"},
        {"schema": 2, "requested": f"https://u:{planted['log_userinfo']}@a.example/?k={planted['log_query']}"},
        {"schema": 2, "detail": f"Authorization: Basic {encoded('u:' + planted['log_basic'])}"},
        {"schema": 2, "proxy_password": planted["log_key"], "detail": f"said {planted['parent_file']}"},
    )
    files = {
        "users.htpasswd": htpasswd_line("cucm", planted["basic_user"]),
        "users.htdigest": htdigest_lines("cucm", planted["digest_user"], f"password={planted['realm']}"),
        "nonce.key": planted["nonce"] * 2,
        "admin.token": planted["token"],
        "parent.secret": planted["parent_file"],
        "typed.txt": planted["typed"],
        "access.jsonl": "".join(json.dumps(line) + "\n" for line in lines),
    }
    for name, content in files.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)


def unpacked(bundle: Path) -> list[str]:
    with tarfile.open(bundle) as archive:
        members = [(member.name, archive.extractfile(member)) for member in archive.getmembers()]
        return [name + file.read().decode() for name, file in members if file is not None]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_secret_is_nowhere(collected: str, planted: dict[str, str], name: str) -> None:
    secret = planted[name]
    stem = encoded(secret).rstrip("=")[:-1]
    assert secret not in collected
    assert stem not in collected
    assert encoded(f"u:{secret}").rstrip("=")[:-1] not in collected


def test_the_keys_and_hashes_of_the_files_are_nowhere(collected: str) -> None:
    assert "PRIVATE KEY" not in collected
    assert "$2y$" not in collected


def test_what_a_support_engineer_needs_is_there(collected: str) -> None:
    needed = ("password_file", "parent.secret", "a.example:443", "MY_API_TOKEN", "OTHER_PASSWORD", "OpenSSL", "python")
    assert [words for words in needed if words not in collected] == []
