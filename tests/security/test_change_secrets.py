"""No secret of the settings or of the files that they name is in what a gate says of its changes."""

import secrets
from pathlib import Path

from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import Request
from support.certificates import issue
from support.change_lines import await_kind, changes_in, with_changes
from support.gate import COMMAND, Gate, gate_settings
from support.handed_over import STATE
from support.logins import htdigest_lines, htpasswd_line
from support.programs import run
from support.upstream import closed_port

SETTINGS = (
    STATE
    + """
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "users.htpasswd"
htdigest = "users.htdigest"
nonce_key_file = "nonce.key"
[[client]]
name = "cucm"
networks = ["10.9.9.9"]
[[product]]
client = "cucm"
address = "cucm.test"
username = "{product_user}"
password_file = "product.secret"
[[parent]]
url = "http://127.0.0.1:{closed}"
username = "{parent_user}"
password_file = "parent.secret"
user_agent = "{user_agent}"
[ledger]
url = "postgresql://gate:{ledger}@127.0.0.1:{closed}/ledger?sslpassword={ledger_key}"
"""
)
NAMES = ("product_user", "product", "parent_user", "parent", "user_agent", "ledger", "ledger_key", "token", "user")


def plant(folder: Path, port: int) -> tuple[str, list[str]]:
    """Write files with new secrets everywhere. Returns the settings that go with them, and the secrets."""
    planted = {name: f"S3{secrets.token_hex(10)}" for name in NAMES}
    nonce_key = secrets.token_hex(32)
    issued = issue()
    issued.write(folder)
    basic, digest = htpasswd_line("ann", planted["user"]), htdigest_lines("ann", planted["user"])
    (folder / "users.htpasswd").write_text(basic)
    (folder / "users.htdigest").write_text(digest)
    (folder / "nonce.key").write_text(nonce_key)
    (folder / "admin.token").write_text(planted["token"])
    for name in ("parent", "product"):
        (folder / f"{name}.secret").write_text(planted[name])
        (folder / f"{name}.secret").chmod(0o600)
    settings = with_changes(gate_settings(more=SETTINGS.format(closed=port, **planted), admin="127.0.0.1:0"))
    hashes = [basic.strip().partition(":")[2], *(line.rpartition(":")[2] for line in digest.splitlines())]
    key_lines = issued.key_pem().decode().splitlines()[1:-1]
    return settings.replace("[admin]", '[admin]\ntoken_file = "admin.token"'), [
        *planted.values(),
        nonce_key,
        *hashes,
        *key_lines,
    ]


def test_no_secret_is_in_what_is_said_of_changes(tmp_path: Path) -> None:
    port = closed_port()
    settings, first = plant(tmp_path, port)
    with Gate(tmp_path, settings) as gate:
        settings, second = plant(tmp_path, port)
        gate.settings.write_text(settings)
        replies = [ask(tmp_path / "control.sock", Request("reload"))]
        gate.settings.write_text(settings + "[limits]\ntunnels = 0\n")
        replies.append(ask(tmp_path / "control.sock", Request("reload")))
        gate.settings.write_text(gate_settings(more=STATE))
        replies.append(ask(tmp_path / "control.sock", Request("reload")))
        shown = [run(COMMAND, "changes", "--config", gate.settings, *more).stdout for more in ((), ("--json",))]
        reloaded = await_kind(tmp_path / "changes.jsonl", "reload", 3)
    told = "\n".join(
        [(tmp_path / "changes.jsonl").read_text(), *gate.stderr, *(reply.message for reply in replies), *shown]
    )

    assert [reply.ok for reply in replies] == [True, False, True], replies
    assert [secret for secret in (*first, *second) if secret in told] == []
    changed = next(change for change in changes_in(tmp_path / "changes.jsonl") if change["kind"] == "reload")
    hidden = {f"{each['setting']} {each['hidden']}" for each in changed["settings"] if "hidden" in each}
    assert hidden == {
        "admin.token_file token",
        "auth.nonce_key_file key",
        "ledger.url password",
        "parent.user_agent value",
        "parent.username value",
        "product.username value",
    }
    assert reloaded["settings"]
