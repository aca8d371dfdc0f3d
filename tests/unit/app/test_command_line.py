"""The manual page and the shell completions: as the parser makes them, and as man and bash read them."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from licensegate.app.commands import COMMANDS
from support.requirements import require_command

ROOT = Path(__file__).resolve().parents[3]
SHARE = ROOT / "deploy" / "share"
PAGE = SHARE / "man/man1/licensegate.1"

COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_licensegate
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("command_line", ROOT / "scripts" / "command_line.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python's argparse words usages differently")
def test_the_files_are_those_of_the_parser() -> None:
    made = _script().files()
    assert {file for file in SHARE.rglob("*") if file.is_file()} == set(made)
    for file, text in made.items():
        assert file.read_text(encoding="utf-8") == text, "run: make command-line"


def test_a_wheel_takes_the_files_to_their_places() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = {
        str(Path(place, Path(file).name)): file
        for place, files in pyproject["tool"]["setuptools"]["data-files"].items()
        for file in files
    }
    files = {str(file.relative_to(ROOT)) for file in SHARE.rglob("*") if file.is_file()}
    assert installed == {file.removeprefix("deploy/"): file for file in files}


def test_man_reads_the_page_without_a_warning() -> None:
    if shutil.which("man") is None:
        pytest.skip("needs man")
    command = ("man", "--warnings=w", "--local-file", PAGE)
    shown = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})

    assert (shown.returncode, shown.stderr) == (0, "")
    for name in COMMANDS:
        assert f"COMMAND 'licensegate {name}'" in shown.stdout
    assert "LICENSEGATE__SECTION__KEY" in shown.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["test-"], ["test-rule"], id="command"),
        pytest.param(["check", "--j"], ["--json"], id="option"),
        pytest.param(["cert", ""], ["show", "make", "check"], id="action"),
        pytest.param(["health", ""], ["healthz", "readyz", "upstreamz"], id="choice"),
        pytest.param(["check", "--config", "Make"], ["Makefile"], id="file"),
    ],
)
def test_bash_completes(words: list[str], found: list[str]) -> None:
    bash = require_command("bash", "bash")
    script = str(SHARE / "bash-completion/completions/licensegate")
    done = subprocess.run(
        [bash, "-c", COMPLETE, "bash", script, "licensegate", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.split() == found


def test_notes_become_paragraphs_lists_and_examples() -> None:
    text = "  It does a thing\n  and more.\n\n    licensegate thing\n\nexit status:\n  0  done, and\n     well\n"
    assert list(_script().roff(text)) == [
        ".PP", "It does a thing", "and more.",
        ".PP", ".nf", ".RS 4", "licensegate thing", ".RE", ".fi",
        ".PP", "exit status:", ".TP", "0", "done, and", "well",
    ]  # fmt: skip


def test_a_line_that_roff_would_obey_is_refused() -> None:
    with pytest.raises(ValueError, match=r"roff would take this line for a command: '\.conf is read'"):
        list(_script().roff(".conf is read\n"))
