"""Access that is taken away while tunnels are open: they end, others stay, and the next tunnel works."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.app.service.control_client import ask, ask_for_answer
from licensegate.app.service.control_protocol import Reply, Request, RevocationRequest
from support.certificates import issue, revoke
from support.gate import ANYTHING, COMMAND, gate_settings
from support.handed_over import STATE, HandedOver, open_things
from support.logins import PASSWORD, basic, htpasswd_line
from support.programs import run
from support.raw_client import CONNECT, assert_carries, open_tunnel, read_to_break
from support.requirements import require_command
from support.sockets import spin_until
from support.upstream import SECONDS, Upstream, closed_port, echo

_CUT_OFF = 18  # CURLE_PARTIAL_FILE
OWN_RULE = '[[allowlist.rule]]\nhost = "own.example.net"\n'
ON_RELOAD = '[limits]\nrevoke = "on_reload"\n'
TO_OWN = CONNECT.replace(b"tools.cisco.com", b"own.example.net")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(drip_or_echo) as upstream:
        yield upstream


def drip_or_echo(connection: socket.socket) -> None:
    """A behaviour: answer a GET with a dot now and then, and send everything else back."""
    first = connection.recv(65536)
    if not first.startswith(b"GET "):
        connection.sendall(first)
        echo(connection)
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b".")
        time.sleep(0.02)


def settings(upstream: Upstream, *tables: str) -> str:
    """Settings of a gate with a control socket, whose tunnels to two hosts carry anything."""
    hosts = (f"{host}:443:127.0.0.1:{upstream.port}" for host in ("tools.cisco.com", "own.example.net"))
    return gate_settings(*hosts, more="".join((ANYTHING, STATE, *tables)))


def on_a_port(settings: str) -> str:
    """The same on a port that a handover keeps."""
    return settings.replace('"127.0.0.1:0"', f'"127.0.0.1:{closed_port()}"', 1)


def with_login(user: str, head: bytes = CONNECT) -> bytes:
    return head.replace(b"\r\n\r\n", f"\r\nProxy-Authorization: {basic(user)}\r\n\r\n".encode())


def reload(gate: HandedOver, new: str) -> Reply:
    gate.settings.write_text(new)
    reply = ask(gate.folder / "control.sock", Request("reload"), SECONDS)
    assert reply.ok, reply
    return reply


def command(gate: HandedOver, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(COMMAND, arguments[0], "--config", gate.settings, *arguments[1:], LANG="C.UTF-8")


def ended(gate: HandedOver, wanted: RevocationRequest) -> list[dict[str, Any]]:
    """What the gate that serves has ended for a request, or would end."""
    answer = ask_for_answer(gate.folder / "control.sock", Request("revoke", revocation=wanted), SECONDS)
    found: list[dict[str, Any]] = json.loads(answer)["tunnels"]
    return found


@contextlib.contextmanager
def back_at_base(gate: HandedOver) -> Iterator[None]:
    """Expect that the gate has the same things open after the block and one more tunnel as before."""
    open_tunnel(gate, with_login("stays")).close()
    gate.records(1)
    before = gate.settled()
    yield
    open_tunnel(gate, with_login("stays")).close()
    spin_until(lambda: open_things(gate.pid) <= before)


class CurlTunnel:
    """A curl whose download through a tunnel would take for ever."""

    def __init__(self, *options: str | Path) -> None:
        fixed = ("--silent", "--no-buffer", "--proxytunnel", *options, "http://tools.cisco.com:443/")
        self._process = subprocess.Popen([require_command("curl", "curl"), *fixed], stdout=subprocess.PIPE)

    def goes_on(self) -> bool:
        """Whether more arrives after what is there."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        return os.read(output, 65536) != b"" and os.read(output, 1) == b"."

    def await_end(self) -> None:
        """Wait until curl reports that its transfer was cut off."""
        self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == _CUT_OFF

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def write_users(folder: Path, *users: str) -> None:
    (folder / "new").write_text("".join(htpasswd_line(user) for user in users))
    (folder / "new").rename(folder / "users.htpasswd")


AUTH = '[auth]\nhtpasswd = "users.htpasswd"\nrequired = true\n'


def test_a_user_removed_from_the_file_loses_the_tunnels(tmp_path: Path, upstream: Upstream) -> None:
    write_users(tmp_path, "goes", "stays")
    with HandedOver(tmp_path, settings(upstream, AUTH)) as gate, back_at_base(gate), contextlib.ExitStack() as stack:
        curl = CurlTunnel("--proxy", gate.url, "--proxy-user", f"goes:{PASSWORD}")
        stack.callback(curl.close)
        assert curl.goes_on()
        stays = stack.enter_context(open_tunnel(gate, with_login("stays")))
        late = stack.enter_context(socket.create_connection(("127.0.0.1", gate.port), SECONDS))
        late.sendall(with_login("goes")[:-2])

        write_users(tmp_path, "stays")
        curl.await_end()

        assert "ended 1 tunnel that is no longer allowed" in gate.await_line("1 user removed: goes")
        assert_carries(stays)
        late.sendall(b"\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 407 login_refused")
        (record,) = (one for one in gate.records(2) if one["outcome"] == "revoked")
        assert (record["user"], record["detail"]) == (
            "goes",
            "its user was removed; the files of users have changed",
        )


def test_a_reload_ends_what_no_rule_allows_any_more(tmp_path: Path, upstream: Upstream) -> None:
    with (
        HandedOver(tmp_path, settings(upstream, OWN_RULE)) as gate,
        back_at_base(gate),
        open_tunnel(gate, TO_OWN) as own,
        open_tunnel(gate) as other,
    ):
        assert "ended" not in reload(gate, settings(upstream)).message
        assert_carries(own)
        (lost,) = ended(gate, RevocationRequest(not_allowed=True, dry_run=True))
        assert (lost["target"], lost["reason"]) == ("own.example.net:443", "no rule allows it any more")

        replied = reload(gate, settings(upstream, ON_RELOAD)).message

        assert f"ended 1 tunnel that is no longer allowed: {lost['id']} (127.0.0.1 to own.example.net:443)" in replied
        assert read_to_break(own) == b""
        assert_carries(other)
        record = gate.record(lost["id"])
        assert record["outcome"] == "revoked"
        assert record["detail"].startswith(f"no rule allows it any more; reload requested by uid {os.getuid()}")


def test_revoke_and_end_take_what_they_are_told_and_nothing_else(tmp_path: Path, upstream: Upstream) -> None:
    write_users(tmp_path, "one", "two", "stays")
    with (
        HandedOver(tmp_path, settings(upstream, AUTH, OWN_RULE)) as gate,
        back_at_base(gate),
        contextlib.ExitStack() as stack,
    ):
        one, two, own, stays = (
            stack.enter_context(open_tunnel(gate, with_login(user, head)))
            for user, head in (("one", CONNECT), ("two", CONNECT), ("two", TO_OWN), ("stays", CONNECT))
        )

        planned = ended(gate, RevocationRequest(users=("one",), networks=("127.0.0.0/8",), dry_run=True))
        assert_carries(one, two, own, stays)
        told = command(gate, "revoke", "--user", "one", "--network", "127.0.0.0/8").stdout
        assert [tunnel["user"] for tunnel in planned] == ["one"]
        assert planned[0]["id"] in told
        assert "New ones are not forbidden: to keep them out, remove the user or the rule, and reload." in told
        assert read_to_break(one) == b""

        assert ended(gate, RevocationRequest(networks=("10.0.0.0/8",))) == []
        assert [each["target"] for each in ended(gate, RevocationRequest(hosts=("*.example.net",)))] == [
            "own.example.net:443"
        ]
        assert read_to_break(own) == b""

        number = ended(gate, RevocationRequest(users=("two",), dry_run=True))[0]["id"]
        done = command(gate, "end", number, "unheard-of")
        assert (done.returncode, done.stdout.splitlines()[0]) == (1, "1 tunnel was ended.")
        assert done.stderr == (
            "licensegate: no open connection has the id unheard-of; `licensegate tunnels` lists them\n"
        )
        assert read_to_break(two) == b""
        assert gate.record(number)["outcome"] == "ended_by_operator"
        assert gate.record(number)["detail"].startswith(f"requested by uid {os.getuid()}")
        assert f"end requested by uid {os.getuid()}" in gate.await_line(f": {number} (127.0.0.1 to tools.cisco.com:443")
        assert gate.record(planned[0]["id"])["outcome"] == "revoked"
        assert_carries(stays)


def test_tunnels_that_drain_after_a_handover_are_reached(tmp_path: Path, upstream: Upstream) -> None:
    write_users(tmp_path, "goes", "one", "stays")
    with HandedOver(tmp_path, on_a_port(settings(upstream, AUTH))) as gate, contextlib.ExitStack() as stack:
        goes, one, stays = (
            stack.enter_context(open_tunnel(gate, with_login(user))) for user in ("goes", "one", "stays")
        )
        assert gate.hand_over(drain_seconds=SECONDS).ok
        spin_until(lambda: list(tmp_path.glob("control-*.sock")))

        write_users(tmp_path, "one", "stays")
        (tunnel,) = json.loads(command(gate, "revoke", "--user", "one", "--json").stdout)["tunnels"]
        assert read_to_break(one) == b""
        assert gate.record(tunnel["id"])["outcome"] == "revoked"
        done = command(gate, "end", tunnel["id"])
        assert (done.returncode, done.stdout) == (1, "Nothing was ended.\n")
        assert read_to_break(goes) == b""  # since the draining process looks at the file, too
        assert_carries(stays)
        stays.close()
        gate.await_old_end()
        assert list(tmp_path.glob("control-*.sock")) == []
        open_tunnel(gate, with_login("stays")).close()


def test_tunnels_that_drain_follow_the_reloads_of_the_new_gate(tmp_path: Path, upstream: Upstream) -> None:
    """Also into a rotated log."""
    rules = settings(upstream, OWN_RULE, ON_RELOAD)
    with (
        HandedOver(tmp_path, on_a_port(rules)) as gate,
        open_tunnel(gate, TO_OWN) as own,
        open_tunnel(gate) as other,
    ):
        assert not gate.ask("follow").ok
        old = gate.pid
        assert gate.hand_over(drain_seconds=SECONDS).ok
        spin_until(lambda: list(tmp_path.glob("control-*.sock")))
        assert "which drains" not in reload(gate, gate.settings.read_text()).message
        (tmp_path / "access.jsonl").rename(tmp_path / "access.jsonl.1")

        replied = reload(gate, gate.settings.read_text().replace(OWN_RULE, "")).message

        assert read_to_break(own) == b""
        assert f"process {old}, which drains: ended 1 tunnel that is no longer allowed" in replied
        assert_carries(other)
        (record,) = gate.records(1)
        assert record["detail"].startswith(f"no rule allows it any more; reload requested by uid {os.getuid()}")


def test_tunnels_that_drain_follow_the_settings_of_a_handover(tmp_path: Path, upstream: Upstream) -> None:
    rules = on_a_port(settings(upstream, OWN_RULE, ON_RELOAD))
    with (
        HandedOver(tmp_path, rules) as gate,
        open_tunnel(gate, TO_OWN) as own,
        open_tunnel(gate) as other,
    ):
        gate.settings.write_text(rules.replace(OWN_RULE, ""))
        assert gate.hand_over(drain_seconds=SECONDS).ok
        assert read_to_break(own) == b""
        assert_carries(other)


def test_a_revoked_certificate_loses_its_tunnels_on_a_reload(tmp_path: Path, upstream: Upstream) -> None:
    authority = issue("clients", authority=True)
    authority.write(tmp_path, stem="ca")
    goes, stays = (
        issue(name, authority, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH) for name in ("goes", "stays")
    )
    (tmp_path / "clients.crl").write_bytes(revoke(authority))
    auth = '[auth]\nclient_ca = "ca.pem"\nclient_crl = "clients.crl"\n[limits]\nrevoke = "on_reload"\n'
    with HandedOver(tmp_path, settings(upstream, auth)) as gate, back_at_base(gate), contextlib.ExitStack() as stack:
        curls = []
        for one, stem in ((goes, "goes"), (stays, "stays")):
            chain, key = one.write(tmp_path, stem=stem)
            own = ("--proxy-insecure", "--proxy-cert", chain, "--proxy-key", key)
            curls.append(CurlTunnel("--proxy", f"https://127.0.0.1:{gate.port}", *own))
            stack.callback(curls[-1].close)
        assert all(curl.goes_on() for curl in curls)

        (tmp_path / "clients.crl").write_bytes(revoke(authority, goes))
        assert "ended 1 tunnel" in reload(gate, gate.settings.read_text()).message

        curls[0].await_end()
        assert all(curls[1].goes_on() for _ in range(10))
        (tunnel,) = ended(gate, RevocationRequest(certificates=("STAYS",)))
        assert gate.record(tunnel["id"])["outcome"] == "revoked"
        curls[1].await_end()
