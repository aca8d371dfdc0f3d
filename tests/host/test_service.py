"""The gate as a service of a real systemd, in all its hardening, and its log in the hands of a real logrotate."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support import namespace_clients
from support.authority import Authority
from support.exchange import TARGET
from support.host import PAGE, Host
from support.namespace_clients import curl, get_through, stand_in, tunnel

pytestmark = pytest.mark.timeout(600)  # the first test may have to make a system to boot

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
    """The gate under these settings; afterwards it has those of before again."""
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


def refuse(host: Host) -> None:
    """Ask for what is not allowed, so that the log has one line more."""
    answer = curl(host.inside(), "--proxy", "http://127.0.0.1:3128", "https://example.com/")
    assert "403" in answer.stderr


def test_it_is_running_as_installed_on_every_port_and_not_as_root(host: Host) -> None:
    assert host.show("ActiveState") == "active"
    for port in (3128, 8080, 443):
        assert f"0.0.0.0:{port}, [::]:{port}" in host.show("StatusText")
    assert host.do("stat", "--format=%U", f"/proc/{host.show('MainPID')}") == "licensegate\n"
    assert "warning" not in host.do(COMMAND, "check", SETTINGS).lower()


def test_systemd_finds_no_fault_in_the_unit(host: Host) -> None:
    done = host.run("systemd-analyze", "verify", "/etc/systemd/system/licensegate.service")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_it_as_little_exposed_as_the_page_says(host: Host) -> None:
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
def test_hardening_keeps_nobody_from_logging_in(host: Host, authority: Authority, scheme: str) -> None:
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


def test_more_tunnels_than_the_unit_grants_descriptors_for_are_told_and_do_no_harm(host: Host) -> None:
    with settings(host, "[limits]\ntunnels = 50000\n"):
        host.await_said("raise the limit (ulimit -n, LimitNOFILE), or lower limits.tunnels")
        host.await_said("ready: listening on")
        assert host.show("ActiveState") == "active"


def test_its_metrics_tell_of_its_process_which_hardening_could_hide(host: Host) -> None:
    done = curl(host.inside(), "http://127.0.0.1:9130/metrics")

    assert "process_start_time_seconds" in done.stdout, done.stderr


def test_a_reload_takes_what_can_be_used_and_refuses_what_cannot(host: Host) -> None:
    with settings(host, ""):
        process = host.show("MainPID")
        write(host, '[allowlist]\npresets = ["cucm"]\n')
        host.do("systemctl", "reload", "licensegate")
        write(host, "unusable")
        refused = host.run("systemctl", "reload", "licensegate")

        assert refused.returncode != 0
        host.await_said("replaced by")
        host.await_said("refused: the settings in force stay")
        assert (host.show("ActiveState"), host.show("MainPID")) == ("active", process)


def test_settings_that_cannot_be_used_are_not_tried_again(host: Host) -> None:
    before = host.do("cat", SETTINGS)
    write(host, "unusable")
    started = host.run("systemctl", "restart", "licensegate")
    state, tries = host.show("ActiveState"), host.show("NRestarts")
    write(host, before)
    host.do("systemctl", "start", "licensegate")

    assert started.returncode != 0
    assert (state, tries) == ("failed", "0")


def test_a_rotated_log_goes_on_in_a_new_file(host: Host) -> None:
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


def test_a_stop_lets_an_open_tunnel_end(host: Host, authority: Authority) -> None:
    inside = host.inside()
    with settings(host, LAB), stand_in(inside, authority):
        with tunnel(inside, "127.0.0.1:443", authority) as client:
            host.do("systemctl", "stop", "--no-block", "licensegate")
            host.await_said("1 connections open, draining")
            page, _ = client.communicate("GET / HTTP/1.0\r\n\r\n")
        host.await_said("0 tunnels were cut")

    assert namespace_clients.PAGE in page
