"""A state directory that cannot be used stops the gate only if the operator named it."""

import logging
import os
from pathlib import Path

import pytest

from licensegate.app.service.state_directory import usable_state_directory
from licensegate.app.settings import SettingsError
from licensegate.certs.key_pair import KEPT_KEY


@pytest.fixture
def no_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system denies this user everything; root would be denied nothing."""
    monkeypatch.setattr(os, "access", lambda *_: False)


@pytest.mark.parametrize("named", [True, False])
def test_a_missing_directory_is_made_for_this_user_alone(tmp_path: Path, *, named: bool) -> None:
    assert usable_state_directory(tmp_path / "state", named=named) == tmp_path / "state"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kept", [True, False], ids=["its key cannot be read", "it cannot be written to"])
@pytest.mark.usefixtures("no_rights")
def test_a_packaged_directory_without_rights_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, kept: bool
) -> None:
    if kept:
        (tmp_path / KEPT_KEY).touch()
    with caplog.at_level(logging.WARNING):
        assert usable_state_directory(tmp_path, named=False) is None
    (line,) = caplog.messages
    assert str(tmp_path) in line
    assert "for this run only" in line


def test_a_packaged_directory_that_cannot_be_made_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert usable_state_directory(tmp_path / "missing" / "state", named=False) is None
    assert "cannot be made" in caplog.text


def test_a_read_only_directory_that_keeps_a_key_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / KEPT_KEY).touch()
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    assert usable_state_directory(tmp_path, named=False) == tmp_path


@pytest.mark.parametrize("directory", ["missing/state", "file"])
def test_a_named_directory_that_cannot_be_used_is_an_error(tmp_path: Path, directory: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^state\.directory: "):
        usable_state_directory(tmp_path / directory, named=True)


def test_without_a_directory_nothing_is_kept() -> None:
    assert usable_state_directory(None, named=False) is None
