import os
from pathlib import Path

import pytest

from licensegate.certs.identity import ServerIdentity, load_identity
from licensegate.certs.pem import CertificateError
from licensegate.files.watch import FileWatch
from support.certificates import Issued, issue


@pytest.fixture
def old() -> Issued:
    return issue("old")


@pytest.fixture
def watch(tmp_path: Path, old: Issued) -> FileWatch[ServerIdentity]:
    files = old.write(tmp_path)
    return FileWatch(lambda: load_identity(*files), files)


def test_a_failed_first_load_is_an_error(tmp_path: Path) -> None:
    files = tmp_path / "gate.pem", tmp_path / "gate.key"

    with pytest.raises(CertificateError, match="No such file"):
        FileWatch(lambda: load_identity(*files), files)


def test_unchanged_files_are_not_loaded_again(watch: FileWatch[ServerIdentity]) -> None:
    before = watch.value

    assert not watch.look()
    assert watch.value is before


def test_a_new_pair_replaces_the_old_one(watch: FileWatch[ServerIdentity], tmp_path: Path) -> None:
    before = watch.value
    issue("new").write(tmp_path)

    assert watch.look()
    assert watch.value.fingerprint != before.fingerprint
    assert not watch.look()


def test_a_certificate_before_its_key_is_rejected_once_then_loaded(
    watch: FileWatch[ServerIdentity], tmp_path: Path
) -> None:
    before, new = watch.value, issue("new")
    (tmp_path / "gate.pem").write_bytes(new.pem)

    with pytest.raises(CertificateError, match="does not belong"):
        watch.look()
    assert not watch.look()
    assert watch.value is before

    (tmp_path / "gate.key").write_bytes(new.key_pem())
    assert watch.look()
    assert watch.value is not before


@pytest.mark.parametrize("file", ["gate.pem", "gate.key"])
def test_a_removed_file_is_reported_once_and_the_old_pair_stays(
    watch: FileWatch[ServerIdentity], tmp_path: Path, file: str
) -> None:
    before = watch.value
    (tmp_path / file).unlink()

    with pytest.raises(CertificateError, match=f"{file}: No such file"):
        watch.look()
    assert not watch.look()
    assert watch.value is before


def test_a_replaced_kubernetes_secret_is_noticed(tmp_path: Path, old: Issued) -> None:
    """Kubernetes swaps one link; the paths, sizes and, to the second, the times of the files may be the same."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        issue("same").write(tmp_path / name)
        for file in (tmp_path / name).iterdir():
            os.utime(file, (1, 1))
    current = tmp_path / "current"
    current.symlink_to("one")
    files = current / "gate.pem", current / "gate.key"
    watch = FileWatch(lambda: load_identity(*files), files)

    current.unlink()
    current.symlink_to("two")

    assert watch.look()


def test_a_change_while_loading_is_noticed_next_time(tmp_path: Path, old: Issued) -> None:
    files = old.write(tmp_path)

    def load() -> ServerIdentity:
        loaded = load_identity(*files)
        if loads.pop():
            issue("new").write(tmp_path)
        return loaded

    loads = [False, True]
    watch = FileWatch(load, files)

    assert watch.look()
