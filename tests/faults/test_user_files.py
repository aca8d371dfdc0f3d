"""User files that change or become unusable while the gate runs."""

import json
import signal
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import Gate, GateEndedError, gate_settings
from support.login_gate import run_login_gate
from support.logins import PASSWORD, htpasswd_line, write_user_files

BROKEN = "cucm-pub:plain\n"
FAULT = "users.htpasswd, line 1: the hash is neither bcrypt nor SHA-crypt nor apr1; give the user a new password"


def test_a_broken_line_is_reported_and_the_old_users_stay(tmp_path: Path, authority: Authority) -> None:
    with run_login_gate(tmp_path, authority) as login_gate:
        (tmp_path / "users.htpasswd").write_text(BROKEN)

        assert FAULT in login_gate.gate.await_line("the users in force stay: ")

        assert '"stand_in": true' in login_gate.curl("--proxy-user", f"cucm-pub:{PASSWORD}").stdout
        login_gate.gate.send(signal.SIGHUP)
        assert FAULT in login_gate.gate.await_line("reload requested by SIGHUP refused")
        assert '"stand_in": true' in login_gate.curl("--proxy-user", f"cucm-pub:{PASSWORD}").stdout


def test_a_changed_file_is_reloaded_without_a_signal(tmp_path: Path, authority: Authority) -> None:
    with run_login_gate(tmp_path, authority) as login_gate:
        (tmp_path / "users.htpasswd").write_text(htpasswd_line("cucm-pub", "another") + htpasswd_line("more", "x"))

        login_gate.gate.await_line("known users: 2 by password")

        assert "407 login_refused" in login_gate.curl("--proxy-user", f"cucm-pub:{PASSWORD}").stdout
        assert '"stand_in": true' in login_gate.curl("--proxy-user", "cucm-pub:another").stdout


@pytest.mark.parametrize("name", ["users.htpasswd", "users.htdigest", "nonce.key"])
def test_an_unusable_user_file_fails_the_start(tmp_path: Path, name: str) -> None:
    write_user_files(tmp_path)
    (tmp_path / "nonce.key").write_text("ab" * 32)
    (tmp_path / name).write_text("x\n")
    auth = {"htpasswd": "users.htpasswd", "htdigest": "users.htdigest", "nonce_key_file": "nonce.key"}
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in auth.items())

    with pytest.raises(GateEndedError) as ended, Gate(tmp_path, gate_settings(more=f"[auth]\n{table}")):
        pass

    assert ended.value.status == 2
    assert name in str(ended.value)
