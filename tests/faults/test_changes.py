"""Every change of a running gate is written: who asked, what differs, and whether it took place."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from licensegate.app.admin import paths
from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import Request
from support.admin_client import ANY_PORT, scrape_until
from support.certificates import issue
from support.change_lines import await_kind, changes_in, with_changes
from support.forms import form_token, post, sign_in
from support.gate import COMMAND, Gate, cisco_at, gate_settings
from support.handed_over import STATE, HandedOver
from support.logins import htpasswd_line
from support.programs import run
from support.raw_client import open_tunnel
from support.requirements import missing
from support.sockets import spin_until
from support.standin import StandIn
from support.upstream import closed_port

NOBODY = 65534
CERTIFIED = issue()
TOKEN = "7c0d5a6b1e2f43908172635445362718"
MORE = """
[state]
directory = "."
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "users.htpasswd"
required = false
[[client]]
name = "cucm"
networks = ["10.9.9.9"]
"""
AS_NOBODY = f"""
import os, socket
os.setuid({NOBODY})
with socket.socket(socket.AF_UNIX) as control:
    control.connect("control.sock")
    control.sendall(b'{{"command": "reload"}}\\n')
    print(control.recv(4096).decode())
"""
RULE = '[[allowlist.rule]]\nhost = "ssm.test"\n'


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with files that it watches and an admin server; each test leaves its settings as they were."""
    folder = tmp_path_factory.mktemp("gate")
    CERTIFIED.write(folder)
    (folder / "users.htpasswd").write_text(htpasswd_line("ann") + htpasswd_line("bob"))
    (folder / "admin.token").write_text(TOKEN)
    settings = with_changes(gate_settings(more=MORE, admin=ANY_PORT))
    with Gate(folder, settings.replace("[admin]", '[admin]\ntoken_file = "admin.token"')) as running:
        yield running


@pytest.fixture
def log(gate: Gate) -> Path:
    return gate.folder / "changes.jsonl"


def number_of(log: Path, kind: str) -> int:
    return sum(change["kind"] == kind for change in changes_in(log))


def reload_with(gate: Gate, more: str) -> dict[str, Any]:
    """Reload with more settings at the end, then with those of before. Returns the change of the first reload."""
    text, log = gate.settings.read_text(), gate.folder / "changes.jsonl"
    for settings in (text + more, text):
        before = number_of(log, "reload")
        gate.settings.write_text(settings)
        run(COMMAND, "reload", "--config", gate.settings)
        await_kind(log, "reload", before + 1)
    return [change for change in changes_in(log) if change["kind"] == "reload"][-2]


def test_the_start_is_written_with_all_that_differs_from_the_defaults(log: Path) -> None:
    start = await_kind(log, "start")

    assert start["ok"]
    assert start["by"] == []
    assert start["message"].endswith(f"hash {start['after']['settings']}")
    told = {change["setting"] for change in start["settings"]}
    assert told >= {"auth.htpasswd", "certificate", "users", "log.access", "log.changes", "tls.key", "client"}


def test_a_reload_is_written_with_its_asker_and_each_setting(gate: Gate, log: Path) -> None:
    start = await_kind(log, "start")
    change = reload_with(gate, RULE + "[dns]\nfresh_seconds = 7\n")

    (asker,) = change["by"]
    assert (asker["uid"], asker["user"]) == (os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
    assert asker["pid"] > 1
    rule, dns = change["settings"]
    assert (rule["setting"], rule["item"], rule["after"]["port"]) == ("allowlist.rule", "ssm.test:443", 443)
    assert (dns["setting"], dns["after"]) == ("dns.fresh_seconds", 7.0)
    assert change["before"] == start["after"]
    assert change["before"]["settings"] != change["after"]["settings"]
    assert change["before"]["policy"] != change["after"]["policy"]
    assert changes_in(log)[-1]["after"] == change["before"], "the second reload took it back"


def test_a_refused_reload_is_written_with_its_reason(gate: Gate, log: Path) -> None:
    change = reload_with(gate, "[limits]\ntunnels = 0\n")

    assert (change["ok"], change["level"]) == (False, "error")
    assert "limits.tunnels: 0 is not" in change["message"]
    assert change["before"] == change["after"]
    assert "settings" not in change


def test_a_signal_is_written_by_its_name(gate: Gate, log: Path) -> None:
    before = number_of(log, "reload")
    gate.send(signal.SIGHUP)

    assert await_kind(log, "reload", before + 1)["by"] == [{"signal": "SIGHUP"}]


def test_changed_files_are_written_used_or_not(gate: Gate, log: Path) -> None:
    """The gate looks at its files every five seconds."""
    (gate.folder / "users.htpasswd").write_text(htpasswd_line("ann", "another") + htpasswd_line("cid"))
    (gate.folder / "gate.key").write_bytes(issue().key_pem())

    users, certificate = await_kind(log, "users"), await_kind(log, "certificate")

    assert users["by"] == certificate["by"] == [{"files": True}]
    assert users["settings"] == [{"setting": "users", "added": ["cid"], "removed": ["bob"], "another": ["ann"]}]
    assert users["before"]["settings"] != users["after"]["settings"]
    assert (users["ok"], certificate["ok"]) == (True, False)
    assert "the key does not belong to the certificate" in certificate["message"]
    CERTIFIED.write(gate.folder)


def test_what_people_do_on_the_pages_is_written(gate: Gate, log: Path) -> None:
    post(gate, paths.SIGN_IN, {"token": "a wrong token"})
    assert post(gate, paths.NAME_CLIENT, {"key": "named:cucm"}).status == 401
    cookie = sign_in(gate, TOKEN)
    key = {"key": "named:cucm", "form_token": form_token(gate, cookie, "named:cucm")}
    post(gate, paths.RECORD_CONTACT, key, Cookie=cookie)
    post(gate, paths.RECORD_CONTACT, key | {"at": "some day"}, Cookie=cookie)
    post(gate, paths.NAME_CLIENT, key | {"name": "CUCM Osaka"}, Cookie=cookie)
    post(gate, paths.RECORD_CONTACT, key, Authorization=f"Bearer {TOKEN}")
    assert post(gate, paths.KEEP_TEXT, key | {"form_token": "stale"}, Cookie=cookie).status == 403
    assert post(gate, paths.SIGN_OUT, key, Cookie=cookie, Origin="https://other.example").status == 403
    post(gate, paths.SIGN_OUT, key, Cookie=cookie)
    await_kind(log, "sign_out", 2)

    done = [change for change in changes_in(log) if change["kind"].startswith(("sign", "client"))]
    (session,) = {change["by"][0]["session"] for change in done if "session" in change["by"][0]}
    here, signed = {"address": "127.0.0.1"}, {"address": "127.0.0.1", "session": session}
    assert [(change["kind"], change["ok"], change["by"]) for change in done] == [
        ("sign_in", False, [here]),
        ("client_name", False, [here]),
        ("sign_in", True, [signed]),
        ("client_contact", True, [signed]),
        ("client_contact", False, [signed]),
        ("client_name", False, [signed]),
        ("client_contact", True, [here | {"token": True}]),
        ("client_text", False, [signed]),
        ("sign_out", False, [signed]),
        ("sign_out", True, [signed]),
    ]
    assert session not in cookie
    recorded = next(change for change in done if change["kind"] == "client_contact")
    assert recorded["settings"] == [
        {"setting": "client_contact", "item": "cucm", "after": {"what": "contact", "at": ""}}
    ]


def test_a_user_without_the_right_to_is_refused_and_written(gate: Gate, log: Path) -> None:
    """Also where somebody has opened the socket to others."""
    if os.geteuid() != 0:
        missing("root", "run this test as root, to be another user")
    gate.folder.chmod(0o755)
    (gate.folder / "control.sock").chmod(0o666)
    before = number_of(log, "reload")
    done = subprocess.run(
        [os.path.realpath(sys.executable), "-I", "-S", "-c", AS_NOBODY], cwd=gate.folder, capture_output=True, text=True
    )

    assert f"uid {NOBODY} may not send commands" in done.stdout, done.stderr
    change = await_kind(log, "reload", before + 1)
    assert (change["ok"], change["by"][0]["uid"]) == (False, NOBODY)


def test_a_rotated_log_of_changes_goes_on_in_its_new_file(gate: Gate, log: Path) -> None:
    before, old = number_of(log, "reload"), log.with_name("changes.jsonl.1")
    log.rename(old)
    for _ in range(2):
        assert ask(gate.folder / "control.sock", Request("reload")).ok
    spin_until(lambda: number_of(log, "reload") + number_of(old, "reload") == before + 2)

    assert number_of(log, "reload") >= 1
    opened = [os.path.realpath(f"/proc/{gate.pid}/fd/{name}") for name in os.listdir(f"/proc/{gate.pid}/fd")]
    assert str(old) not in opened
    log.write_text(old.read_text() + log.read_text())  # for the other tests


def test_the_command_shows_the_last_changes(gate: Gate) -> None:
    done = run(COMMAND, "changes", "--config", gate.settings)

    assert done.returncode == 0, done.stderr
    headings, *lines = done.stdout.splitlines()
    assert re.split(" {2,}", headings)[:3] == ["Time", "Change", "Result"]
    assert re.split(" {2,}", lines[-1])[1:3] == ["start", "done"]


def test_a_handover_is_written_by_both_processes(tmp_path: Path) -> None:
    settings = with_changes(gate_settings(more=STATE)).replace("127.0.0.1:0", f"127.0.0.1:{closed_port()}")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(settings + "[limits]\ntunels = 5\n")
    log = tmp_path / "changes.jsonl"
    with HandedOver(tmp_path, settings) as gate:
        old = gate.pid
        assert not gate.hand_over(config=str(wrong)).ok
        gate.settings.write_text(settings + RULE)
        assert gate.hand_over().ok
        gate.await_old_end()
        new = gate.pid

    changes = changes_in(log)
    assert [(change["kind"], change["ok"]) for change in changes if change["process"]["pid"] == old] == [
        ("start", True),
        ("handover", False),
        ("handover", True),
    ]
    assert [(change["kind"], change["ok"]) for change in changes if change["process"]["pid"] == new] == [
        ("handover", True),
        ("start", True),
        ("stop", True),
    ]
    left, taken = [change for change in changes if change["kind"] == "handover" and change["ok"]]
    if left["process"]["pid"] != old:
        left, taken = taken, left
    assert left["other"] == taken["process"]
    assert taken["other"] == left["process"]
    assert left["by"] == taken["by"]
    assert left["by"][0]["uid"] == os.getuid()
    assert taken["before"] == left["before"]
    assert taken["before"]["policy"] != taken["after"]["policy"]


def test_a_full_disk_stops_nothing_and_is_counted(tmp_path: Path, standin: StandIn) -> None:
    """The service log has the changes all the same, as JSON if its lines are JSON."""
    settings = with_changes(cisco_at(standin.port, admin=ANY_PORT, more=STATE), "/dev/full")
    with Gate(tmp_path, settings.replace("[log]\n", '[log]\nformat = "json"\n')) as gate:
        gate.await_line("cannot write the change log: /dev/full: No space left on device")
        assert ask(tmp_path / "control.sock", Request("reload")).ok
        said = json.loads(gate.await_line("reload requested by"))
        scrape_until(gate, lambda series: series.value("licensegate_log_lines_dropped_total", log="changes") == 2)
        open_tunnel(gate).close()

    assert (said["kind"], said["ok"], said["by"][0]["uid"]) == ("reload", True, os.getuid())


def test_a_stalled_reader_stops_neither_reloads_nor_the_gate(tmp_path: Path, standin: StandIn) -> None:
    pipe = tmp_path / "changes.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    fill(reader)
    try:
        with Gate(tmp_path, with_changes(cisco_at(standin.port, more=STATE))) as gate:
            for _ in range(3):
                assert ask(tmp_path / "control.sock", Request("reload")).ok
            open_tunnel(gate).close()
    finally:
        os.close(reader)


def fill(pipe: int) -> None:
    try:
        while os.write(pipe, b"\n" * 4096):
            pass
    except BlockingIOError:
        return
