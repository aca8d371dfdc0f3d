"""Gates as parents of gates, and parents that fail and recover."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support import squid
from support.authority import Authority
from support.gate import Gate, cisco_at
from support.gate_with_parents import assert_posted_through, parent_gate_settings, parent_with_login
from support.licensing_exchange import HOST, TARGET
from support.logins import write_user_files
from support.squid import USER, Squid
from support.standin import StandIn
from support.upstream import closed_port

Post = Callable[[Gate], subprocess.CompletedProcess[str]]


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    (made / "parent.secret").write_text(squid.PASSWORD)
    return made


@pytest.mark.parametrize("auth", squid.PASSWORD_SCHEMES)
def test_the_gate_logs_in_at_the_parent_for_a_client_that_cannot(
    tmp_path: Path, post: Post, standin: StandIn, auth: str
) -> None:
    """CSCvh72897 end to end: the client is admitted by its address."""
    with Squid(standin.port, squid.PASSWORD_SCHEMES[auth]) as parent:
        url = f"http://127.0.0.1:{parent.port}"
        allowed = "[clients]\nnetworks = ['127.0.0.1']"
        with Gate(folder(tmp_path, "gate"), parent_gate_settings(parent_with_login(url), more=allowed)) as gate:
            done = post(gate)

            assert done.returncode == 0, done.stderr
            assert "Proxy-Auth" not in done.stdout
            record = assert_posted_through(gate, standin, login=auth, parent=url)
            assert record["client"] == "127.0.0.1"
            assert parent.requests(2)[-1] == (200, TARGET, USER)

        elsewhere = "[clients]\nnetworks = ['192.0.2.1']"
        with Gate(folder(tmp_path, "strict"), parent_gate_settings(parent_with_login(url), more=elsewhere)) as gate:
            assert post(gate).stdout.startswith("HTTP/1.1 403 client_not_allowed: ")
            assert len(parent.requests()) == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_two_gates_in_a_chain_carry_a_tunnel(
    tmp_path: Path, post: Post, standin: StandIn, authority: Authority, scheme: str
) -> None:
    leaf = authority.issue("inner.example.net")
    tls = f"[tls]\ncertificate = '{leaf.chain}'\nkey = '{leaf.key}'"
    with Squid(standin.port, squid.digest) as parent:
        outermost = parent_gate_settings(parent_with_login(f"http://127.0.0.1:{parent.port}"), more=tls)
        with Gate(folder(tmp_path, "outer"), outermost) as outer:
            url = f"{scheme}://inner.example.net:{outer.port}"
            ca = f"\nca = '{authority.root}'" if scheme == "https" else ""
            to = (f"inner.example.net:{outer.port}:127.0.0.1:{outer.port}",)
            with Gate(folder(tmp_path, "inner"), parent_gate_settings(f"{url}{ca}", connect_to=to)) as inner:
                done = post(inner)

                assert done.returncode == 0, done.stderr
                assert_posted_through(inner, standin, parent=url)
                record = assert_posted_through(outer, standin, login="digest")
                assert record["via"].startswith("1.1 licensegate-")
                assert record.get("gate_tls", "").startswith("TLS") is (scheme == "https")
                assert parent.requests(2)[-1] == (200, TARGET, USER)


@pytest.mark.parametrize("schemes", ["digest", "digest-md5", "digest-sha-256", "basic", "digest', 'basic"])
def test_a_gate_logs_in_at_a_gate_that_wants_a_login(
    tmp_path: Path, post: Post, standin: StandIn, schemes: str
) -> None:
    outer_folder = folder(tmp_path, "outer")
    write_user_files(outer_folder, (USER, squid.PASSWORD))
    auth = f"[auth]\nrequired = true\nschemes = ['{schemes}']\nhtpasswd = 'users.htpasswd'\nhtdigest = 'users.htdigest'"
    with Gate(outer_folder, cisco_at(standin.port, more=auth)) as outer:
        inner_settings = parent_gate_settings(parent_with_login(f"http://127.0.0.1:{outer.port}"))
        with Gate(folder(tmp_path, "inner"), inner_settings) as inner:
            done = post(inner)

            assert done.returncode == 0, done.stderr
            assert_posted_through(inner, standin, login=schemes[:6].rstrip("-"))
            opened = next(record for record in outer.records(2) if record["status"] == 200)
            assert opened["user"] == USER

            (inner.folder / "parent.secret").write_text("wrong")
            for _ in range(2):
                assert post(inner).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")
            tried = [record["login_result"] for record in outer.records(5)]
            assert tried == ["missing", "accepted", "missing", "wrong_password", "missing"]


def test_the_inner_gate_reports_the_refusal_of_the_outer_one(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with (
        Gate(folder(tmp_path, "outer"), parent_gate_settings("direct", more="[allowlist]\npresets = []")) as outer,
        Gate(folder(tmp_path, "inner"), parent_gate_settings(f"http://127.0.0.1:{outer.port}")) as inner,
    ):
        answer = post(inner).stdout

        assert answer.startswith("HTTP/1.1 502 parent_refused: ")
        (record,) = inner.records(1)
        assert record["parent_status"] == 403
        assert record["parent_reason"].startswith(("target_in_preset: ", "target_not_allowed: "))


@pytest.mark.parametrize("between", ["nothing", "a squid"])
def test_a_chain_that_leads_back_is_reported_as_a_loop(
    tmp_path: Path, post: Post, standin: StandIn, between: str
) -> None:
    port = closed_port()
    first_settings = parent_gate_settings(f"http://127.0.0.1:{port}")
    with Gate(folder(tmp_path, "first"), first_settings) as first:
        back = parent_gate_settings(f"http://127.0.0.1:{first.port}").replace("127.0.0.1:0", f"127.0.0.1:{port}")
        if between == "nothing":
            with Gate(folder(tmp_path, "second"), back) as second:
                assert post(first).stdout.startswith("HTTP/1.1 502 parent_loop: ")
                assert {record["outcome"] for record in first.records(2)} == {"proxy_loop", "parent_loop"}
                assert [record["outcome"] for record in second.records(1)] == ["parent_loop"]
            return
        onwards = (
            "http_access allow all",
            f"cache_peer 127.0.0.1 parent {first.port} 0 no-query no-digest default",
            "never_direct allow all",
        )
        with Squid(standin.port, lambda folder: onwards, port=port):
            assert post(first).stdout.startswith("HTTP/1.1 502 parent_")
            assert "proxy_loop" in [record["outcome"] for record in first.records(2)]


def test_the_next_parent_serves_until_the_first_is_back(tmp_path: Path, post: Post, standin: StandIn) -> None:
    port = closed_port()
    with Squid(standin.port) as second:
        first_url, second_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{second.port}"
        with Gate(folder(tmp_path, "gate"), parent_gate_settings(first_url, second_url)) as gate:
            posts = 0

            def used() -> str:
                nonlocal posts
                posts += 1
                assert post(gate).returncode == 0
                return str(gate.records(posts)[-1]["parent"])

            with Squid(standin.port, port=port):
                assert used() == first_url
            assert used() == second_url
            gate.await_line("is left out for 10 s")
            with Squid(standin.port, port=port):
                assert used() == second_url
                while used() != first_url:
                    time.sleep(0.5)  # the pause is 10 s, shorter than the time limit of a gate in a test
                gate.await_line("answers again")


def test_a_reload_changes_parents_but_keeps_a_refusal(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with Squid(standin.port, squid.digest) as strict, Squid(standin.port) as open_to_all:
        parent = parent_with_login(f"http://127.0.0.1:{strict.port}")
        with Gate(folder(tmp_path, "gate"), parent_gate_settings(parent)) as gate:
            (gate.folder / "parent.secret").write_text("wrong")
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")

            gate.settings.write_text(parent_gate_settings(parent, more="[limits]\ndial_seconds = 20"))
            gate.send(signal.SIGHUP)
            gate.await_line("reload requested by SIGHUP: ")
            assert "was not tried again" in post(gate).stdout
            assert [user for _, _, user in strict.requests(2) if user != "-"] == [USER]

            gate.settings.write_text(parent_gate_settings(f"http://127.0.0.1:{open_to_all.port}"))
            gate.send(signal.SIGHUP)
            gate.await_line(f"targets are reached through http://127.0.0.1:{open_to_all.port}")
            assert post(gate).returncode == 0


def test_a_target_is_dialled_directly_only_if_allowed(tmp_path: Path, post: Post, standin: StandIn) -> None:
    to = (f"{HOST}:443:127.0.0.1:{standin.port}",)
    dead = f"http://127.0.0.1:{closed_port()}"
    with Gate(folder(tmp_path, "gate"), parent_gate_settings(dead, connect_to=to)) as gate:
        assert post(gate).stdout.startswith("HTTP/1.1 502 parent_unreachable: ")
        assert standin.connections == 0
    with Gate(folder(tmp_path, "loose"), parent_gate_settings(dead, "direct", connect_to=to)) as gate:
        assert post(gate).returncode == 0
        assert gate.records(1)[0]["parent"] == "direct"
