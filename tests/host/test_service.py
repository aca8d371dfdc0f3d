"""The gate as a hardened service of a real systemd, its log rotated by a real logrotate."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support import namespace_clients
from support.authority import Authority
from support.gate import ANYTHING
from support.host import ACTIVATE, GO_BACK, HAND_OVER, Host
from support.licensing_exchange import TARGET
from support.namespace_clients import curl, get_through, many_tunnels, stand_in, tunnel
from support.operations_page import PAGE
from support.sockets import spin_until

pytestmark = pytest.mark.timeout(600)  # the first test may have to build the system to boot

FOLDER = "/etc/licensegate"
SETTINGS = f"{FOLDER}/licensegate.toml"
COMMAND = "/opt/licensegate/bin/licensegate"
LOG = "/var/log/licensegate/access.jsonl"
LAB = f"""
[dial]
connect_to = ["{TARGET}:{namespace_clients.LISTENING}"]

[log]
access = "{LOG}"
"""


@contextmanager
def settings(host: Host, text: str) -> Iterator[None]:
    """Run the gate with these settings, then with the previous ones again."""
    before = host.do("cat", SETTINGS)
    write(host, text)
    host.do("systemctl", "restart", "licensegate")
    try:
        yield
    finally:
        write(host, before)
        host.do("systemctl", "restart", "licensegate")


def write(host: Host, text: str) -> None:
    host.do("sh", "-c", f'printf %s "$0" >{SETTINGS}', text)


def release(host: Host) -> str:
    """The folder that the running gate was started from."""
    return host.do("cat", f"/proc/{host.show('MainPID')}/cmdline").partition("/bin/")[0]


def refuse(host: Host) -> None:
    """Request a target that is not allowed, which adds a line to the log."""
    answer = curl(host.inside(), "--proxy", "http://127.0.0.1:3128", "https://example.com/")
    assert "403" in answer.stderr


def test_it_runs_on_every_port_and_not_as_root(host: Host) -> None:
    assert host.show("ActiveState") == "active"
    for port in (3128, 8080, 443):
        assert f"0.0.0.0:{port}, [::]:{port}" in host.show("StatusText")
    assert host.do("stat", "--format=%U", f"/proc/{host.show('MainPID')}") == "licensegate\n"
    assert "warning" not in host.do(COMMAND, "check", SETTINGS).lower()


def test_systemd_verifies_the_units(host: Host) -> None:
    units = [f"/etc/systemd/system/licensegate.{kind}" for kind in ("service", "socket")]
    done = host.run("systemd-analyze", "verify", *units)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_exposure_level_is_the_one_on_the_page(host: Host) -> None:
    stated = re.search(r"systemd-analyze security`.*?\*\*([0-9.]+)\*\*", PAGE.read_text(), re.DOTALL)
    found = re.search(
        r"exposure level for licensegate.service: ([0-9.]+)", host.do("systemd-analyze", "security", "licensegate")
    )

    assert stated
    assert found
    assert found[1] == stated[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_goes_through_port_443(host: Host, authority: Authority, scheme: str) -> None:
    with settings(host, LAB), stand_in(host.inside(), authority):
        done = get_through(host.inside(), f"{scheme}://127.0.0.1:443", authority)

    assert namespace_clients.PAGE in done.stdout, done.stderr


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_logins_work_under_hardening(host: Host, authority: Authority, scheme: str) -> None:
    files = [f"{FOLDER}/users.htpasswd", f"{FOLDER}/users.htdigest"]
    passwd = (COMMAND, "passwd", *files, "--add", "cucm")
    host.do("sh", "-ec", f'echo "Smart & licensed" | {" ".join(passwd)} --stdin; chgrp licensegate {" ".join(files)}')
    auth = '[auth]\nrequired = true\nhtpasswd = "users.htpasswd"\nhtdigest = "users.htdigest"\n'
    who = (f"--proxy-{scheme}", "--proxy-user", "cucm:Smart & licensed")
    inside = host.inside()
    with settings(host, LAB + auth), stand_in(inside, authority):
        let_in = get_through(inside, "http://127.0.0.1:443", authority, *who)
        unknown = get_through(inside, "http://127.0.0.1:443", authority)

    assert namespace_clients.PAGE in let_in.stdout, let_in.stderr
    assert "407" in unknown.stderr


def test_too_many_tunnels_for_the_units_descriptors_is_a_warning(host: Host) -> None:
    with settings(host, "[limits]\ntunnels = 50000\n"):
        host.await_logged("raise the limit (ulimit -n, LimitNOFILE), or lower limits.tunnels")
        host.await_logged("ready: listening on")
        assert host.show("ActiveState") == "active"


def test_process_metrics_work_under_hardening(host: Host) -> None:
    done = curl(host.inside(), "http://127.0.0.1:9130/metrics")

    assert "process_start_time_seconds" in done.stdout, done.stderr


def test_a_reload_adopts_valid_settings_and_refuses_invalid_ones(host: Host) -> None:
    with settings(host, ""):
        process = host.show("MainPID")
        write(host, '[allowlist]\npresets = ["cucm"]\n')
        host.do("systemctl", "reload", "licensegate")
        write(host, "unusable")
        refused = host.run("systemctl", "reload", "licensegate")

        assert refused.returncode != 0
        host.await_logged("replaced by")
        host.await_logged("refused: the settings in force stay")
        assert (host.show("ActiveState"), host.show("MainPID")) == ("active", process)


def test_invalid_settings_are_not_retried(host: Host) -> None:
    before = host.do("cat", SETTINGS)
    write(host, "unusable")
    started = host.run("systemctl", "restart", "licensegate")
    state, tries = host.show("ActiveState"), host.show("NRestarts")
    write(host, before)
    host.do("systemctl", "start", "licensegate")

    assert started.returncode != 0
    assert (state, tries) == ("failed", "0")


@contextmanager
def impatient_watchdog(host: Host) -> Iterator[None]:
    """Run the gate with a watchdog that waits for seconds, then with the unit's own again."""
    folder = "/run/systemd/system/licensegate.service.d"
    host.do("mkdir", "--parents", folder)
    host.do("sh", "-c", f"printf '[Service]\\nWatchdogSec=2\\nTimeoutAbortSec=1\\n' >{folder}/watchdog.conf")
    host.do("systemctl", "daemon-reload")
    host.do("systemctl", "restart", "licensegate")
    try:
        yield
    finally:
        host.do("rm", "-r", folder)
        host.do("systemctl", "daemon-reload")
        host.do("systemctl", "restart", "licensegate")


def test_a_frozen_gate_is_ended_by_the_watchdog_and_started_again(host: Host) -> None:
    with impatient_watchdog(host):
        frozen = host.show("MainPID")
        host.do("systemctl", "kill", "--signal=STOP", "licensegate")
        spin_until(lambda: host.show("NRestarts") == "1" and host.show("ActiveState") == "active")
        host.await_logged("ready: listening on")
        log = host.do("journalctl", "--output=cat", "--no-pager", "--unit=licensegate")

        assert host.show("MainPID") != frozen
        assert "Watchdog timeout" in log
        refuse(host)


def test_manual_and_completions_are_where_man_and_the_shells_look(host: Host) -> None:
    for file in (
        "man/man1/licensegate.1",
        "bash-completion/completions/licensegate",
        "zsh/site-functions/_licensegate",
    ):
        assert "licensegate" in host.do("cat", f"/usr/local/share/{file}")


def test_status_asks_the_service_over_its_control_socket(host: Host) -> None:
    host.await_logged("ready: listening on")
    shown = host.run("licensegate", "status", "--json")
    assert shown.returncode in (0, 1), shown.stderr
    assert json.loads(shown.stdout)["gate"]["state"] == "ready"


def test_the_journal_has_the_priority_and_no_second_time(host: Host) -> None:
    host.await_logged("ready: listening on")
    log = host.do("journalctl", "--output=json", "--no-pager", "--unit=licensegate")
    entries = {entry["MESSAGE"]: entry["PRIORITY"] for entry in map(json.loads, log.splitlines())}
    ready = [message for message in entries if "ready: listening on" in message]
    assert {message.partition(":")[0] for message in ready} == {"ready"}, entries
    assert {entries[message] for message in ready} == {"6"}


def test_a_rotated_log_continues_in_a_new_file(host: Host) -> None:
    with settings(host, LAB):
        refuse(host)
        rotated = host.run("logrotate", "--force", "/etc/logrotate.d/licensegate")
        refuse(host)
        host.do("systemctl", "stop", "licensegate")  # so that both lines are written
        old, new = host.do("cat", f"{LOG}.1"), host.do("cat", LOG)

    assert rotated.returncode == 0, rotated.stderr
    before, after = old.splitlines()[-1:], new.splitlines()
    assert [json.loads(line)["outcome"] for line in (*before, *after)] == ["target_not_allowed"] * 2
    assert host.do("stat", "--format=%U %a", LOG) == "licensegate 640\n"


def test_an_open_tunnel_can_end_during_a_stop(host: Host, authority: Authority) -> None:
    inside = host.inside()
    with settings(host, LAB), stand_in(inside, authority):
        with tunnel(inside, "127.0.0.1:443", authority) as client:
            host.do("systemctl", "stop", "--no-block", "licensegate")
            host.await_logged("1 connections open, draining")
            page, _ = client.communicate("GET / HTTP/1.0\r\n\r\n")
        host.await_logged("0 tunnels were cut")

    assert namespace_clients.PAGE in page


def test_an_upgrade_waits_for_the_handover_and_can_be_undone(host: Host, authority: Authority) -> None:
    inside = host.inside()
    older = host.do("readlink", "/opt/licensegate").strip()
    with settings(host, LAB), stand_in(inside, authority):
        process = host.show("MainPID")
        with tunnel(inside, "127.0.0.1:443", authority) as client:
            host.install()
            host.do("systemctl", "reload", "licensegate")
            assert (host.show("MainPID"), release(host)) == (process, older)

            newer = host.do("readlink", "/opt/licensegate").strip()
            host.do("sh", "-ec", HAND_OVER)
            assert release(host) == newer != older
            assert (host.show("ActiveState"), host.show("NRestarts")) == ("active", "0")
            page, _ = client.communicate("GET / HTTP/1.0\r\n\r\n")  # through the process that served before
        assert namespace_clients.PAGE in page
        upgraded = get_through(inside, "http://127.0.0.1:443", authority)
        spin_until(lambda: host.run("test", "-e", f"/proc/{process}").returncode)

        host.do("sh", "-ec", re.sub(r"/opt/licensegate-[\d-]+", older, GO_BACK))
        assert release(host) == older
        undone = get_through(inside, "http://127.0.0.1:443", authority)
        host.do("systemctl", "reload", "licensegate")

    assert namespace_clients.PAGE in upgraded.stdout, upgraded.stderr
    assert namespace_clients.PAGE in undone.stdout, undone.stderr


def test_a_gate_that_took_over_is_started_again_when_it_is_killed(host: Host) -> None:
    """systemd follows it: its end is noticed, its watchdog is fed."""
    with impatient_watchdog(host):
        host.do("sh", "-ec", HAND_OVER)
        successor = host.show("MainPID")
        host.do("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "licensegate")
        spin_until(lambda: host.show("NRestarts") == "1" and host.show("ActiveState") == "active")
        host.await_logged("ready: listening on")

        assert host.show("MainPID") != successor
        refuse(host)


def test_tunnels_and_newcomers_notice_neither_reloads_nor_a_handover(host: Host) -> None:
    with settings(host, LAB + ANYTHING), many_tunnels(host.inside(), 443, 200):
        before = host.show("MainPID")
        for _ in range(3):
            host.do("systemctl", "reload", "licensegate")
        host.do("sh", "-ec", HAND_OVER)
        assert host.show("MainPID") != before


def test_a_failed_handover_leaves_the_service_as_it_was(host: Host) -> None:
    in_force, process = host.do("cat", SETTINGS), host.show("MainPID")
    write(host, "unusable")
    refused = host.run("sh", "-ec", HAND_OVER)
    write(host, in_force)

    assert refused.returncode == 1
    assert "the gate goes on serving as before" in refused.stderr
    assert (host.show("ActiveState"), host.show("MainPID")) == ("active", process)
    refuse(host)


def test_with_sockets_of_systemd_a_stopped_gate_refuses_nobody(host: Host, authority: Authority) -> None:
    """A client that connects meanwhile starts it."""
    inside = host.inside()
    with settings(host, LAB), stand_in(inside, authority):
        host.do("sh", "-ec", ACTIVATE)
        try:
            assert "service manager's socket" not in host.do(
                "journalctl", "--output=cat", "--no-pager", "-b", "--unit=licensegate"
            )
            host.do("systemctl", "stop", "licensegate")
            assert host.show("ActiveState") == "inactive"
            started = get_through(inside, "http://127.0.0.1:443", authority)
            host.do("systemctl", "restart", "licensegate")
            host.do("sh", "-ec", HAND_OVER)
            handed_over = get_through(inside, "http://127.0.0.1:443", authority)
        finally:
            host.do("systemctl", "disable", "--now", "licensegate.socket")

    assert namespace_clients.PAGE in started.stdout, started.stderr
    assert namespace_clients.PAGE in handed_over.stdout, handed_over.stderr
