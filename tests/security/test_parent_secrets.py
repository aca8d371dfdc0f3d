"""No password for a parent proxy appears in anything that a gate logs or answers."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import squid
from support.gate import Gate
from support.gate_with_parents import parent_gate_settings, parent_with_login
from support.licensing_exchange import TARGET
from support.ntlm import NtlmHelper
from support.raw_client import ask
from support.squid import Squid

USER, PASSWORD = squid.USER, "a wrong but secret password"
DERIVED = (
    PASSWORD,
    base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
    hashlib.md5(f"{USER}:{squid.REALM}:{PASSWORD}".encode()).hexdigest(),
    base64.b64encode(b"NTLMSSP").decode()[:-2],
)
"""The password, and values that reveal or replace it."""


@pytest.fixture(params=[*squid.PASSWORD_SCHEMES, "ntlm"])
def parent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Squid]]:
    """A scheme, and a squid that requires it."""
    if request.param != "ntlm":
        with Squid(9, squid.PASSWORD_SCHEMES[request.param]) as running:
            yield request.param, running
        return
    with (
        NtlmHelper(tmp_path).serve() as helper,
        Squid(9, lambda folder: squid.checked_by("ntlm", str(helper.program(folder)))(folder)) as running,
    ):
        yield "ntlm", running


@pytest.mark.parametrize("source", ["file", "environment"])
def test_no_secret_leaves_the_gate_except_to_the_parent(tmp_path: Path, parent: tuple[str, Squid], source: str) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    scheme, proxy = parent
    table = parent_with_login(f"http://127.0.0.1:{proxy.port}", scheme)
    if source == "environment":
        table = table.replace("password_file = 'parent.secret'", "password_env = 'PARENT_PASSWORD'")
    settings = parent_gate_settings(table).replace("[log]", "[log]\nlevel = 'debug'")
    with Gate(tmp_path, settings, environment={"PARENT_PASSWORD": PASSWORD}) as gate:
        answer = ask(gate, f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode())
        assert answer.reason.startswith("parent_login_refused: ")
        assert proxy.requests(1)
        records = gate.records(1)
        gate.stop()

    output = "\n".join([repr(answer), json.dumps(records), *gate.stderr, gate.stdout.read_text()])
    assert "was refused" in output
    for secret in DERIVED:
        assert secret not in output
