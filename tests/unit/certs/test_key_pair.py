import stat
import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.certs.key_pair import KeyPair, keep_key_pair, write_key_pair
from licensegate.certs.pem import CertificateError
from licensegate.certs.self_signed import make_key_pair


def made() -> KeyPair:
    return make_key_pair(["gate.example"])


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "gate.pem", folder / "gate.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_created_pair_loads_and_its_key_is_private(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)

    keep_key_pair(certificate, key, made)

    assert load_identity(certificate, key).owns("gate.example")
    assert (mode(certificate), mode(key)) == (0o644, 0o600)
    assert sorted(tmp_path.iterdir()) == [key, certificate]


def test_an_existing_pair_is_not_created_again(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    keep_key_pair(certificate, key, made)
    before = certificate.read_bytes(), key.read_bytes()

    keep_key_pair(certificate, key, made)

    assert (certificate.read_bytes(), key.read_bytes()) == before


def test_a_certificate_without_its_key_is_created_again(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.write_bytes(made().certificate)

    keep_key_pair(certificate, key, made)

    assert load_identity(certificate, key)


KEEPING = """
from pathlib import Path
from licensegate.certs.key_pair import keep_key_pair
from licensegate.certs.self_signed import make_key_pair
keep_key_pair(Path({certificate!r}), Path({key!r}), lambda: make_key_pair(["gate.example"]))
print(Path({key!r}).read_text() + Path({certificate!r}).read_text())
"""


def test_gates_starting_together_keep_the_same_pair(tmp_path: Path) -> None:
    certificate, key = map(str, files(tmp_path))
    program = [sys.executable, "-c", KEEPING.format(certificate=certificate, key=key)]
    gates = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(3)]

    kept = {gate.communicate()[0] for gate in gates}

    assert len(kept) == 1
    assert all(gate.returncode == 0 for gate in gates)


@pytest.mark.parametrize("there", ["gate.pem", "gate.key"])
def test_existing_files_are_not_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")

    with pytest.raises(CertificateError, match=f"{there}: already exists and is not overwritten"):
        write_key_pair(made(), *files(tmp_path))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "precious")]


def test_a_dangling_link_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gate.key").symlink_to("elsewhere")

    with pytest.raises(CertificateError, match="already exists"):
        write_key_pair(made(), *files(tmp_path))


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_an_unusable_directory_is_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CertificateError, match=f"{folder}: cannot write a certificate there: N"):
        keep_key_pair(*files(tmp_path / folder), made)


def test_a_failed_write_leaves_no_file_behind(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.mkdir()

    with pytest.raises(CertificateError, match="cannot write a certificate there: Is a directory"):
        keep_key_pair(certificate, key, made)

    assert list(tmp_path.iterdir()) == [certificate]
