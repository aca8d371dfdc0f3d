"""The form of the access log: by the setting, and by what standard output is. Each case is a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.pty import Pty, start_on
from support.upstream import SECONDS

REFUSE = """
import contextlib, sys
from pathlib import Path
from licensegate.app.observers.access_log import AccessLog
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import read_log_place
from licensegate.records.outcome import Outcome
from licensegate.records.record import open_record

record = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
record.target = "a.example:443"
record.end(Outcome.TARGET_NOT_ALLOWED)
with contextlib.closing(AccessLog(Log(read_log_place(sys.argv[1], Path()), format=sys.argv[2]))) as log:
    log.observe([record])
"""
SENTENCE = "refused  192.0.2.9: a.example:443 is not in the allowlist. [target_not_allowed, 403]"


def piped(access: str, form: str) -> str:
    """What the log writes to standard output, which is a pipe."""
    done = subprocess.run(
        [sys.executable, "-c", REFUSE, access, form], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return done.stdout


def on_terminal(form: str, **environ: str) -> str:
    """What the log writes to standard output, which is a terminal."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    with Pty() as terminal:
        command = [sys.executable, "-c", REFUSE, "-", form]
        process = start_on(terminal, command, env={**inherited, "TERM": "xterm", **environ})
        assert process.wait(SECONDS) == 0
        return terminal.read()


def test_auto_is_text_on_a_terminal_and_json_in_a_pipe() -> None:
    assert SENTENCE in on_terminal("auto", NO_COLOR="1")
    assert "\x1b[33mrefused" in on_terminal("auto")
    assert json.loads(piped("-", "auto"))["outcome"] == "target_not_allowed"


def test_json_is_json_on_a_terminal() -> None:
    assert json.loads(on_terminal("json"))["outcome"] == "target_not_allowed"


@pytest.mark.parametrize(("form", "is_text"), [("auto", False), ("json", False), ("text", True)])
def test_a_file_is_json_unless_text_is_set(tmp_path: Path, form: str, is_text: bool) -> None:
    path = tmp_path / "access.log"
    piped(str(path), form)
    assert path.read_text().endswith(f"Z {SENTENCE}\n") is is_text
    assert path.read_text().startswith("{") is not is_text


def test_text_in_the_journal_has_a_priority_and_no_time_of_its_own() -> None:
    reading, writing = os.pipe()
    status = os.fstat(writing)
    with os.fdopen(reading, "rb") as pipe:
        process = subprocess.Popen(
            [sys.executable, "-c", REFUSE, "-", "text"],
            stdout=writing,
            env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
        )
        os.close(writing)
        assert process.wait(SECONDS) == 0
        assert pipe.read().decode() == f"<5>{SENTENCE}\n"
