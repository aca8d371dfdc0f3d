"""A user that NTLM servers in the test's process know."""

from pathlib import Path

import pytest


@pytest.fixture
def known_to_ntlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.write_text("CORP:svc:secret\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
