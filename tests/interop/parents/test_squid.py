"""squid as the parent: without a login, and with each scheme that Debian has a helper for."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from support import squid
from support.authority import Authority
from support.gate import Gate
from support.gate_with_parents import assert_posted_through, parent_gate_settings, parent_with_login
from support.licensing_exchange import TARGET
from support.sockets import spin_until
from support.squid import USER, Squid
from support.standin import StandIn

Post = Callable[[Gate], subprocess.CompletedProcess[str]]


def test_a_post_passes_a_parent_without_a_login(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with Squid(standin.port) as parent, Gate(tmp_path, parent_gate_settings(f"http://127.0.0.1:{parent.port}")) as gate:
        done = post(gate)

        assert done.returncode == 0, done.stderr
        record = assert_posted_through(gate, standin, parent=f"http://127.0.0.1:{parent.port}")
        assert parent.requests(1) == [(200, TARGET, "-")]
        assert record["upstream"] == f"127.0.0.1:{parent.port}"
        assert record["parent_ms"] > 0


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("auth", ["auto", "the scheme's"])
@pytest.mark.parametrize("scheme", squid.PASSWORD_SCHEMES)
def test_the_gate_logs_in_for_a_client_that_cannot(
    tmp_path: Path, post: Post, standin: StandIn, scheme: str, auth: str
) -> None:
    with Squid(standin.port, squid.PASSWORD_SCHEMES[scheme]) as parent:
        url = f"http://127.0.0.1:{parent.port}"
        with Gate(tmp_path, parent_gate_settings(parent_with_login(url, "auto" if auth == "auto" else scheme))) as gate:
            done = post(gate)

            assert done.returncode == 0, done.stderr
            assert "407" not in done.stdout
            assert_posted_through(gate, standin, login=scheme)
            asked = [(200, TARGET, USER)]
            at_once = (scheme, auth) == ("basic", "the scheme's")
            asked = asked if at_once else [(407, TARGET, "-"), *asked]
            assert parent.requests(len(asked)) == asked


@pytest.mark.parametrize("scheme", squid.PASSWORD_SCHEMES)
def test_a_wrong_password_is_tried_once_and_no_407_is_shown(
    tmp_path: Path, post: Post, standin: StandIn, secret: Path, scheme: str
) -> None:
    secret.write_text("wrong\n")
    with (
        Squid(standin.port, squid.PASSWORD_SCHEMES[scheme]) as parent,
        Gate(tmp_path, parent_gate_settings(parent_with_login(f"http://127.0.0.1:{parent.port}"))) as gate,
    ):
        for _ in range(3):
            answer = post(gate).stdout
            assert answer.startswith("HTTP/1.1 502 parent_login_refused: ")
            assert "Proxy-Authenticate" not in answer
        gate.await_line("was refused")
        assert {record["outcome"] for record in gate.records(3)} == {"parent_login_refused"}

        secret.write_text(f"{squid.PASSWORD}\n")
        assert post(gate).returncode == 0
        assert standin.connections == 1
        spin_until(lambda: 200 in [status for status, _, _ in parent.requests()])  # squid has logged what was before
        assert [status for status, _, user in parent.requests() if user == USER] == [407, 200]


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("scheme", squid.PASSWORD_SCHEMES)
def test_a_user_name_outside_ascii_logs_in(tmp_path: Path, post: Post, standin: StandIn, scheme: str) -> None:
    with Squid(standin.port, partial(squid.PASSWORD_SCHEMES[scheme], user="jürgen")) as parent:
        table = parent_with_login(f"http://127.0.0.1:{parent.port}", scheme, "jürgen")
        with Gate(tmp_path, parent_gate_settings(table)) as gate:
            done = post(gate)

            assert done.returncode == 0, done.stderr
            assert_posted_through(gate, standin, login=scheme)


def test_a_parent_that_refuses_requests_without_a_user_agent_is_content(
    tmp_path: Path, post: Post, standin: StandIn
) -> None:
    def access(folder: Path) -> tuple[str, ...]:
        return (
            "acl licensegate browser ^LicenseGate/[0-9.]+$",
            "http_access allow licensegate",
            "http_access deny all",
        )

    with Squid(standin.port, access) as parent:
        url = f"http://127.0.0.1:{parent.port}"
        with Gate(tmp_path, parent_gate_settings(url)) as gate:
            assert post(gate).returncode == 0
            assert_posted_through(gate, standin)
        with Gate(tmp_path, parent_gate_settings(f"{url}\nuser_agent = 'other/1'")) as gate:
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_refused: ")


def test_a_parent_that_wants_an_unset_login_is_reported(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with (
        Squid(standin.port, squid.basic) as parent,
        Gate(tmp_path, parent_gate_settings(f"http://127.0.0.1:{parent.port}")) as gate,
    ):
        answer = post(gate).stdout

        assert answer.startswith("HTTP/1.1 502 parent_login_required: ")
        assert "it offers basic" in answer
        (record,) = gate.records(1)
        assert record["stage"] == "parent"
        assert record["ended_by"] == "parent"
        assert record["parent_status"] == 407
        assert record["parent_server"].startswith("squid")


def test_a_refusal_by_the_parents_rules_is_parent_refused(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with (
        Squid(standin.port, lambda folder: ("http_access deny all",)) as parent,
        Gate(tmp_path, parent_gate_settings(f"http://127.0.0.1:{parent.port}", "direct")) as gate,
    ):
        answer = post(gate).stdout

        assert answer.startswith("HTTP/1.1 502 parent_refused: The parent proxy refused tools.cisco.com:443")
        (record,) = gate.records(1)
        assert record["parent_status"] == 403
        assert record["parent_reason"] == "Forbidden; ERR_ACCESS_DENIED 0"
        assert standin.connections == 0


def test_a_target_the_parent_cannot_reach_does_not_leave_it_out(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with Squid(9) as parent, Gate(tmp_path, parent_gate_settings(f"http://127.0.0.1:{parent.port}", "direct")) as gate:
        for _ in range(2):
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_target_failed: ")
        assert [status for status, _, _ in parent.requests(2)] == [503, 503]
        assert gate.records(2)[1]["parent_reason"].endswith("ERR_CONNECT_FAIL 111")


def test_a_tls_parent_is_verified_by_name_and_configured_root(
    tmp_path: Path, post: Post, standin: StandIn, authority: Authority
) -> None:
    with Squid(standin.port, leaf=authority.issue("proxy.example.net")) as parent:
        to = (f"proxy.example.net:{parent.port}:127.0.0.1:{parent.port}",)
        url = f"https://proxy.example.net:{parent.port}"
        with Gate(tmp_path, parent_gate_settings(f"{url}\nca = '{authority.root}'", connect_to=to)) as gate:
            done = post(gate)

            assert done.returncode == 0, done.stderr
            assert_posted_through(gate, standin, parent=url)
        with Gate(tmp_path, parent_gate_settings(url, connect_to=to)) as gate:
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_certificate_rejected: ")
        with Gate(tmp_path, parent_gate_settings(f"http://127.0.0.1:{parent.port}")) as gate:
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_")


@pytest.mark.usefixtures("secret")
def test_an_https_url_for_a_plain_parent_is_reported(tmp_path: Path, post: Post, standin: StandIn) -> None:
    with (
        Squid(standin.port) as parent,
        Gate(tmp_path, parent_gate_settings(f"https://127.0.0.1:{parent.port}")) as gate,
    ):
        assert post(gate).stdout.startswith("HTTP/1.1 502 parent_tls_failed: ")
