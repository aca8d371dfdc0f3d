import stat
import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.certs.pair import Pair, keep_pair, write_pair
from licensegate.certs.pem import CertificateError
from licensegate.certs.self_signed import make_pair


def made() -> Pair:
    return make_pair(["gate.example"])


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "gate.pem", folder / "gate.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_kept_is_served_and_nobody_else_reads_the_key(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)

    keep_pair(certificate, key, made)

    assert load_identity(certificate, key).owns("gate.example")
    assert (mode(certificate), mode(key)) == (0o644, 0o600)
    assert sorted(tmp_path.iterdir()) == [key, certificate]


def test_a_pair_that_is_kept_is_not_made_anew(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    keep_pair(certificate, key, made)
    before = certificate.read_bytes(), key.read_bytes()

    keep_pair(certificate, key, made)

    assert (certificate.read_bytes(), key.read_bytes()) == before


def test_a_certificate_whose_key_was_never_written_is_made_anew(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.write_bytes(made().certificate)

    keep_pair(certificate, key, made)

    assert load_identity(certificate, key)


KEEPING = """
from pathlib import Path
from licensegate.certs.pair import keep_pair
from licensegate.certs.self_signed import make_pair
keep_pair(Path({certificate!r}), Path({key!r}), lambda: make_pair(["gate.example"]))
print(Path({key!r}).read_text() + Path({certificate!r}).read_text())
"""


def test_gates_that_start_at_the_same_time_keep_the_same(tmp_path: Path) -> None:
    certificate, key = map(str, files(tmp_path))
    program = [sys.executable, "-c", KEEPING.format(certificate=certificate, key=key)]
    gates = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(3)]

    kept = {gate.communicate()[0] for gate in gates}

    assert len(kept) == 1
    assert all(gate.returncode == 0 for gate in gates)


@pytest.mark.parametrize("there", ["gate.pem", "gate.key"])
def test_what_an_operator_has_is_not_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")

    with pytest.raises(CertificateError, match=f"{there}: is there already, and is not overwritten"):
        write_pair(made(), *files(tmp_path))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "precious")]


def test_a_link_to_nowhere_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gate.key").symlink_to("elsewhere")

    with pytest.raises(CertificateError, match="is there already"):
        write_pair(made(), *files(tmp_path))


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_where_nothing_can_be_kept_is_said_in_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CertificateError, match=f"{folder}: no certificate can be kept there: N"):
        keep_pair(*files(tmp_path / folder), made)


def test_what_could_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.mkdir()

    with pytest.raises(CertificateError, match="no certificate can be kept there: Is a directory"):
        keep_pair(certificate, key, made)

    assert list(tmp_path.iterdir()) == [certificate]
