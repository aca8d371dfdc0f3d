"""Several instances of the service on one host, by the commands of docs/fleet.md: they share systemd's sockets."""

import json
from collections.abc import Iterator

import pytest

from support import namespace_clients
from support.authority import Authority
from support.gate import ANYTHING
from support.host import Host
from support.licensing_exchange import TARGET
from support.namespace_clients import get_through, many_tunnels, stand_in
from support.operations_page import FLEET, commands_under
from support.sockets import spin_until

pytestmark = pytest.mark.timeout(600)  # the first test may have to build the system to boot

START, OF_ONE = commands_under("Two instances on one machine", FLEET)
FOLDER = "/etc/licensegate"
LAB = f"""
[dial]
connect_to = ["{TARGET}:{namespace_clients.LISTENING}"]
"""
BACK = f"""
systemctl disable --now licensegate@1 licensegate@2 licensegate.socket
systemctl stop licensegate-instances.service
rm -r /etc/systemd/system/licensegate.socket.d {FOLDER}/1.toml {FOLDER}/2.toml
systemctl daemon-reload
systemctl enable licensegate
"""


def write(host: Host, text: str) -> None:
    host.do("sh", "-c", f'printf %s "$0" >{FOLDER}/licensegate.toml', text)


@pytest.fixture(scope="module")
def instances(host: Host) -> Iterator[Host]:
    """A host with two instances."""
    before = host.do("cat", f"{FOLDER}/licensegate.toml")
    write(host, LAB)
    host.do("sh", "-ec", f"cd /mnt\n{START}")
    try:
        yield host
    finally:
        write(host, before)
        host.do("sh", "-ec", BACK)
        host.do("systemctl", "start", "licensegate")


def state_of(host: Host, number: int, name: str = "ActiveState") -> str:
    return host.do("systemctl", "show", f"licensegate@{number}", "--value", f"--property={name}").strip()


def status_of(host: Host, number: int) -> str:
    """What `licensegate status` says of an instance."""
    shown = host.run("licensegate", "status", "--json", "--config", f"{FOLDER}/{number}.toml")
    assert shown.returncode in (0, 1), shown.stderr
    return str(json.loads(shown.stdout)["gate"]["state"])


def accepted(host: Host, number: int) -> int:
    """The tunnels in an instance's log."""
    log = host.do("journalctl", "--output=cat", "--no-pager", f"--unit=licensegate@{number}")
    return sum('"event":"end"' in line for line in log.splitlines())


def test_systemd_verifies_the_template(instances: Host) -> None:
    units = ("licensegate@1.service", "licensegate-instances.service", "licensegate.socket")
    done = instances.run("systemd-analyze", "verify", *(f"/etc/systemd/system/{unit}" for unit in units))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_each_instance_has_its_own_status_and_admin_server(instances: Host) -> None:
    for number in (1, 2):
        spin_until(lambda number=number: status_of(instances, number) == "ready")  # type: ignore[misc]
        health = instances.run("licensegate", "health", "readyz", "--url", f"http://127.0.0.1:913{number}")
        assert health.returncode == 0, health.stdout + health.stderr
        assert "service manager's socket" not in instances.do("journalctl", "-b", f"--unit=licensegate@{number}")


def test_the_commands_of_the_page_reload_and_hand_over_one(instances: Host) -> None:
    before, other = state_of(instances, 1, "MainPID"), state_of(instances, 2, "MainPID")
    done = instances.run("sh", "-c", f"set -x\n{OF_ONE}")

    assert "serves now" in done.stdout, done.stdout + done.stderr
    assert state_of(instances, 1, "MainPID") != before
    assert state_of(instances, 2, "MainPID") == other


def test_clients_notice_no_stop_and_no_crash_of_an_instance(instances: Host, authority: Authority) -> None:
    """Those whose tunnels it has end with it; newcomers are served by the other one."""
    inside = instances.inside()
    with stand_in(inside, authority):
        for command in (
            ("stop", "licensegate@1"),
            ("start", "licensegate@1"),
            ("restart", "licensegate@2"),
            ("kill", "--signal=KILL", "--kill-whom=main", "licensegate@1"),
        ):
            instances.do("systemctl", *command)
            for _ in range(3):
                page = get_through(inside, "http://127.0.0.1:443", authority)
                assert namespace_clients.PAGE in page.stdout, (command, page.stderr)
        instances.do("systemctl", "stop", "licensegate@2")
        assert namespace_clients.PAGE in get_through(inside, "http://127.0.0.1:443", authority).stdout
        assert state_of(instances, 2) == "inactive", "the next client has started it again"
        instances.do("systemctl", "start", "licensegate@2")


def test_two_instances_share_the_load_while_one_is_handed_over(instances: Host) -> None:
    write(instances, LAB + ANYTHING)
    instances.do("systemctl", "reload", "licensegate@1", "licensegate@2")
    before = [accepted(instances, number) for number in (1, 2)]
    with many_tunnels(instances.inside(), 443, 100):
        instances.do("licensegate", "handover", "--config", f"{FOLDER}/2.toml")
    write(instances, LAB)

    spin_until(lambda: sum(accepted(instances, number) for number in (1, 2)) - sum(before) >= 100)
    assert all(accepted(instances, number) > earlier for number, earlier in zip((1, 2), before, strict=True))
