"""The fail2ban filter in docs/logins.md, run by fail2ban-regex on a gate's log."""

import re
from pathlib import Path

import pytest

from support.login_gate import LoginGate
from support.programs import run
from support.requirements import require_command

PAGE = (Path(__file__).parents[3] / "docs/logins.md").read_text()


@pytest.fixture
def filter_file(tmp_path: Path) -> Path:
    """The page's filter in a file."""
    (content,) = [block for block in re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL) if "failregex" in block]
    file = tmp_path / "filter.d" / "licensegate.conf"
    file.parent.mkdir()
    file.write_text(content)
    return file


def matched(log: Path, filter_file: Path) -> list[str]:
    """The log lines in which the filter finds an address to ban."""
    done = run(require_command("fail2ban-regex", "fail2ban"), "--print-all-matched", log, filter_file)
    lines = done.stdout.partition("|- Matched line(s):\n")[2].partition("\n`-")[0].splitlines()
    return [line.removeprefix("|  ") for line in lines]


def test_fail2ban_finds_each_wrong_password_and_nothing_else(
    fresh: LoginGate, tmp_path: Path, filter_file: Path
) -> None:
    fresh.curl("--proxy-user", "cucm-pub:wrong")
    fresh.curl("--proxy-user", "x WARNING login failed client 192.0.2.1:wrong")
    fresh.curl()
    fresh.gate.stop()
    log = tmp_path / "service.log"
    log.write_text("\n".join(fresh.gate.stderr) + "\n")

    found = matched(log, filter_file)

    assert len(found) == 2
    assert all(" client 127.0.0.1 " in line for line in found)


def test_the_line_on_the_page_and_its_form_in_a_journal_are_found(tmp_path: Path, filter_file: Path) -> None:
    (line,) = re.findall(r"```text\n(.*)\n```", PAGE)
    log = tmp_path / "service.log"
    message = line.partition("WARNING ")[2]
    lines = [line, f"Mar 02 08:15:50 gate licensegate[4711]: {message}", line.replace("192.0.2.7", "2001:db8::7")]
    others = [f"x {line}", f"Mar 02 08:15:50 gate licensegate[4711]: x {message}", line.replace("failed", "is fine")]
    log.write_text("\n".join([*lines, *others]) + "\n")

    assert matched(log, filter_file) == lines
