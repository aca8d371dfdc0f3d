"""NTLM: squid as the parent, with pyspnego's server side to check the password."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import squid
from support.gate import Gate
from support.gate_with_parents import assert_posted_through, parent_gate_settings, parent_with_login
from support.ntlm import PASSWORD, PRINCIPAL, NtlmHelper
from support.squid import Squid
from support.standin import StandIn

Post = Callable[[Gate], subprocess.CompletedProcess[str]]


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[NtlmHelper]:
    with NtlmHelper(tmp_path).serve() as serving:
        yield serving


@pytest.fixture
def parent(helper: NtlmHelper, standin: StandIn) -> Iterator[Squid]:
    with Squid(standin.port, lambda folder: squid.checked_by("ntlm", str(helper.program(folder)))(folder)) as running:
        yield running


@pytest.mark.parametrize(("auth", "asked"), [("ntlm", [407, 200]), ("auto", [407, 407, 200])])
def test_the_gate_logs_in_for_a_client_that_cannot(
    tmp_path: Path, post: Post, standin: StandIn, helper: NtlmHelper, parent: Squid, auth: str, asked: list[int]
) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    with Gate(
        tmp_path, parent_gate_settings(parent_with_login(f"http://127.0.0.1:{parent.port}", auth, PRINCIPAL))
    ) as gate:
        done = post(gate)

        assert done.returncode == 0, done.stderr
        assert_posted_through(gate, standin, login="ntlm")
        assert [status for status, _, _ in parent.requests(len(asked))] == asked
        assert helper.results == [PRINCIPAL]


def test_a_wrong_password_is_tried_once(
    tmp_path: Path, post: Post, standin: StandIn, helper: NtlmHelper, parent: Squid
) -> None:
    secret = tmp_path / "parent.secret"
    secret.write_text("wrong")
    with Gate(
        tmp_path, parent_gate_settings(parent_with_login(f"http://127.0.0.1:{parent.port}", "ntlm", PRINCIPAL))
    ) as gate:
        for _ in range(3):
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")
        assert helper.results == [""]
        secret.write_text(PASSWORD)
        assert post(gate).returncode == 0
        assert helper.results == ["", PRINCIPAL]
