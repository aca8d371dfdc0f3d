"""Files that exist, are missing, or may not be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.app.settings.file_checks import holds_private_key, missing


def test_file_and_link_to_a_file_are_present(tmp_path: Path) -> None:
    (tmp_path / "gate.pem").touch()
    (tmp_path / "link.pem").symlink_to("gate.pem")

    assert missing(tmp_path / "gate.pem") == ""
    assert missing(tmp_path / "link.pem") == ""


def test_non_file_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "gate.pem").symlink_to("gone.pem")
    os.mkfifo(tmp_path / "pipe")

    assert missing(tmp_path) == "it is a directory, not a regular file"
    assert missing(tmp_path / "pipe") == "it is a named pipe, not a regular file"
    assert missing(tmp_path / "gate.pem") == "No such file or directory"
    assert missing(tmp_path / ("x" * 300)) == "File name too long"


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("PRIVATE KEY", True),
        ("ENCRYPTED PRIVATE KEY", True),
        ("EC PRIVATE KEY", True),
        ("RSA PRIVATE KEY", True),
        ("CERTIFICATE", False),
        ("PUBLIC KEY", False),
    ],
)
def test_a_private_key_is_known_by_its_first_line(tmp_path: Path, kind: str, held: bool) -> None:
    (tmp_path / "gate.pem").write_text(f"-----BEGIN CERTIFICATE-----\nA\n-----BEGIN {kind}-----\nB\n")

    assert holds_private_key(tmp_path / "gate.pem") is held


def test_file_without_read_permission_passes(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed/gate.pem").touch()
    (tmp_path / "gate.pem").touch(mode=0)
    (tmp_path / "closed").chmod(0)
    tmp_path.chmod(0o711)
    # Root may read everything, so the process becomes `nobody`, after loading modules that `nobody` may not read.
    program = (
        "import os, sys; from pathlib import Path\n"
        "from licensegate.app.settings.file_checks import holds_private_key, missing\n"
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "for path in map(Path, ('gate.pem', 'closed/gate.pem')): print([missing(path), holds_private_key(path)])"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True, check=True)
    (tmp_path / "closed").chmod(0o700)

    assert done.stdout.splitlines() == ["['', True]", "['', True]"]
