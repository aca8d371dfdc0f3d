"""`licensegate doctor` in setups that are broken in one place: it names the step, the verdict and the cure."""

import contextlib
import datetime
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.another_user import open_folder, require_another_user
from support.authority import Authority
from support.dns_server import Fault
from support.doctor import GATE, PUBLIC, SETTINGS, DatedServer, Practice, examine, open_practice
from support.gate import COMMAND, cisco_at
from support.intercepting_parent import ISSUER, intercepting_parent
from support.licensing_exchange import HOST, TARGET
from support.logins import PASSWORD, USER, write_user_files
from support.programs import run
from support.requirements import missing, require_command
from support.standin import StandIn
from support.upstream import SECONDS, closed_port

USER_FILES = 'htpasswd = "users.htpasswd"\nhtdigest = "users.htdigest"\n'


@pytest.fixture
def practice(tmp_path: Path, authority: Authority) -> Iterator[Practice]:
    with open_practice(tmp_path, roots=authority.root) as made:
        yield made


@contextlib.contextmanager
def standing_in(practice: Practice, authority: Authority) -> Iterator[StandIn]:
    with StandIn(authority, listener=practice.listen()) as standin:
        yield standin


def test_a_gate_and_a_target_that_are_well(practice: Practice, authority: Authority) -> None:
    with standing_in(practice, authority) as standin:
        found = practice.examine()
    assert found.status == 0
    names = ("allowlist", "names", "connect", "tunnel", "tls", "chain", "http", "clocks")
    assert {name: found.verdict(name) for name in names} == dict.fromkeys(names, "ok")
    rounds = ("port", "listener", "round http", "round https")
    assert {name: found.verdict(name, GATE) for name in rounds} == dict.fromkeys(rounds, "ok")
    assert {request.method for request in standin.received} == {"GET"}
    found.assert_step("names", "ok", f"{PUBLIC} (public), said by 127.0.0.1", "")


@pytest.mark.parametrize(
    ("answer", "seen", "cure"),
    [
        pytest.param(("0.0.0.0",), "0.0.0.0 (not public: ", "exempt tools.cisco.com in the filter", id="sinkhole"),
        pytest.param(("127.0.0.1",), "127.0.0.1 (not public: ", "exempt tools.cisco.com in", id="loopback"),
        pytest.param(Fault.NO_SUCH_NAME, "does not exist (NXDOMAIN)", "exempt tools.cisco.com", id="no such name"),
        pytest.param((), "the name has no address (NOERROR)", "exempt tools.cisco.com", id="no address"),
        pytest.param(Fault.SERVER_FAILURE, "127.0.0.1 says SERVFAIL", "repair the DNS servers", id="failure"),
        pytest.param(Fault.SILENCE, "no DNS server answers: 127.0.0.1", "reach port 53", id="silence"),
    ],
)
def test_a_dns_filter(practice: Practice, answer: Fault | tuple[str, ...], seen: str, cure: str) -> None:
    silent = answer is Fault.SILENCE
    practice.dns_server.zone = {
        (HOST, "A"): answer,
        (HOST, "AAAA"): Fault.SILENCE if silent else answer_for_ipv6(answer),
    }
    found = practice.examine()
    assert found.status == 1
    found.assert_step("names", "failed", seen, cure)
    assert found.verdict("tunnel") == "skipped"


def answer_for_ipv6(answer: Fault | tuple[str, ...]) -> Fault | tuple[str, ...]:
    return answer if isinstance(answer, Fault) else ()


def test_a_dns_server_that_is_silent_about_ipv6(practice: Practice, authority: Authority) -> None:
    practice.dns_server.zone = {(HOST, "A"): (PUBLIC,), (HOST, "AAAA"): Fault.SILENCE}
    with standing_in(practice, authority):
        found = practice.examine()
    found.assert_step("names", "warning", "127.0.0.1 does not answer for IPv6 addresses", "an empty answer will do")
    assert found.verdict("http") == "ok"


def test_a_firewall_that_drops_port_443(practice: Practice) -> None:
    drop(practice, "DROP")
    found = practice.examine()
    assert found.status == 1
    found.assert_step(
        "connect", "failed", f"{PUBLIC}:443 no answer", f"let this host connect to {TARGET} in the egress"
    )
    found.assert_step("round http", "failed", "connection_timeout", f"does not reach {TARGET}", GATE)


def test_a_firewall_that_rejects_port_443(practice: Practice) -> None:
    found = practice.examine()
    found.assert_step("connect", "failed", f"{PUBLIC}:443 refused", "refused on the way, or nothing listens there")


def drop(practice: Practice, verdict: str) -> None:
    """Have the namespace's firewall drop what goes to port 443."""
    iptables = require_command("iptables", "iptables")
    done = run(*practice.network.inside, iptables, "-A", "OUTPUT", "-p", "tcp", "--dport", "443", "-j", verdict)
    if done.returncode != 0:
        missing(f"a firewall in a namespace ({done.stderr.strip()})", "load the kernel's modules for iptables")


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        pytest.param(datetime.timedelta(hours=2), "failed", id="two hours"),
        pytest.param(datetime.timedelta(hours=-26), "failed", id="a day behind"),
        pytest.param(datetime.timedelta(minutes=20), "warning", id="twenty minutes"),
    ],
)
def test_clocks_that_differ(practice: Practice, authority: Authority, ahead: datetime.timedelta, verdict: str) -> None:
    with DatedServer(authority.issue(HOST), ahead, practice.listen()):
        found = practice.examine()
    word = "ahead of" if ahead > datetime.timedelta() else "behind"
    if verdict == "failed":
        found.assert_step("chain", "failed", "the gate's clock is ", "set this host's clock")
    found.assert_step("clocks", verdict, f"{word} this host's", "set this host's clock and CUCM's by NTP")


def test_a_secret_that_the_gates_user_may_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    require_another_user(monkeypatch)
    settings = cisco_at(closed_port(), admin="127.0.0.1:0").replace('"access.jsonl"', '"-"')
    with open_folder() as folder:
        secret = folder / "admin.token"
        secret.write_text("0123456789abcdef0123")
        secret.chmod(0o600)
        file = folder / "licensegate.toml"
        file.write_text(settings.replace("[admin]", f'[admin]\ntoken_file = "{secret}"'))
        found = examine(folder, "--user", "nobody", TARGET)
    assert found.status == 1
    found.assert_step("files", "failed", f"admin.token_file: {secret} cannot be read", "chgrp to its group", "host")
    assert "0123456789abcdef0123" not in found.stderr


def test_a_parent_proxy_that_intercepts(tmp_path: Path, authority: Authority) -> None:
    settings = f'{SETTINGS}\n[[parent]]\nurl = "http://127.0.0.1:8888"\n'
    with (
        open_practice(tmp_path, settings, authority.root) as practice,
        standing_in(practice, authority),
        intercepting_parent(tmp_path / "parent", authority, 8888, practice.network.inside),
    ):
        found = practice.examine()
    assert found.status == 1
    found.assert_step("tunnel", "ok", "through the parent proxy http://127.0.0.1:8888", "")
    found.assert_step("tls", "ok", "TLS", "")
    found.assert_step("chain", "failed", f"its issuer is CN={ISSUER}", f"bypass the TLS inspection of {TARGET}")
    assert found.verdict("connect", "http://127.0.0.1:8888") == "ok"
    assert found.verdict("http") == "ok"


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_rounds_with_a_login(tmp_path: Path, authority: Authority, scheme: str) -> None:
    write_user_files(tmp_path)
    (tmp_path / "right.txt").write_text(PASSWORD)
    (tmp_path / "wrong.txt").write_text("wrong")
    settings = f'{SETTINGS}\n[auth]\nrequired = true\nschemes = ["{scheme}"]\n{USER_FILES}'
    with open_practice(tmp_path, settings=settings) as practice, standing_in(practice, authority):
        without = practice.examine()
        right = practice.examine("--login", USER, "--password-file", tmp_path / "right.txt")
        wrong = practice.examine("--login", USER, "--password-file", tmp_path / "wrong.txt")
    without.assert_step("round http", "skipped", f"wants a login (it offers {scheme}", "", GATE)
    for name in ("round http", "round https"):
        right.assert_step(name, "ok", f"answered HTTP 200 as {USER}", "", GATE)
    wrong.assert_step("round http", "failed", f"the login of {USER} is refused", f"--check {USER}", GATE)
    wrong.assert_step("round https", "skipped", "was refused before", "", GATE)


def test_a_bundle_is_refused_before_anything_is_examined(practice: Practice) -> None:
    done = run(COMMAND, "doctor", "--config", practice.gate.settings, "--bundle", practice.gate.settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert "exists already; name another file, or add --force" in done.stderr


def test_a_port_that_another_program_has(practice: Practice, authority: Authority) -> None:
    practice.gate.stop()
    with StandIn(authority, listener=practice.listen("127.0.0.1", 3128)):
        found = practice.examine()
    assert found.verdict("listener", GATE) == "failed"
    assert found.verdict("round http", GATE) == "skipped"


def test_a_gate_that_does_not_run(practice: Practice) -> None:
    practice.gate.stop()
    found = practice.examine()
    found.assert_step("port", "failed", "the gate does not run", "systemctl start licensegate", GATE)
    assert found.verdict("listener", GATE) == "skipped"


def test_a_target_that_no_rule_allows_is_not_looked_up(practice: Practice) -> None:
    found = practice.examine("example.com")
    subject = "example.com:443"
    found.assert_step("allowlist", "failed", "no rule allows it", 'host = "example.com"', subject)
    assert found.verdict("names", subject) == "skipped"
    assert [name for name, _ in practice.dns_server.asked if name == "example.com"] == []


def test_ctrl_c_ends_it_with_what_is_known_so_far(practice: Practice) -> None:
    practice.dns_server.zone = {(HOST, "A"): Fault.SILENCE, (HOST, "AAAA"): Fault.SILENCE}
    bundle = practice.folder / "bundle.tar.gz"
    settings = ("--config", str(practice.gate.settings), "--bundle", str(bundle))
    command = [*practice.network.inside, str(COMMAND), "doctor", *settings]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "host\n"
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (130, "")
    assert "skipped   names: the examination was stopped before" in out.replace("skipped ", "skipped  ")
    assert "stopped; " in out
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
