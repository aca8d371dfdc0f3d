"""The service log of a separate process."""

import json
import os
import re
import subprocess
import sys

import pytest

from support.pty import Pty, start_on
from support.upstream import SECONDS

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR) .+")

LOG_EACH_LEVEL = """
import logging
from licensegate.app.service.logs import start_service_log

log = start_service_log("{level}", "{form}")
logging.getLogger("licensegate.test").debug("one %s", "debug")
logging.getLogger("licensegate.test").info("one info")
logging.getLogger("licensegate.test").warning("one warning")
try:
    [].pop()
except IndexError:
    logging.getLogger("licensegate.test").exception("one error")
logging.getLogger("licensegate.test").error("one %d", "fault")
log.stop()
"""

LOG_WITHOUT_READER = """
import logging
from licensegate.app.service.logs import start_service_log

log = start_service_log("info")
for number in range(5000):
    logging.getLogger("licensegate.test").info("%06d %s", number, "x" * 200)
print("not blocked", flush=True)
log.stop()
print("stopped", flush=True)
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.parametrize(("level", "least"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_from_a_level_up_have_time_and_level(level: str, least: int) -> None:
    done = run(LOG_EACH_LEVEL.format(level=level, form="auto"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if LINE.fullmatch(line)]
    assert [line.split(" ", 2)[2] for line in lines] == ["one debug", "one info", "one warning", "one error"][-least:]
    assert "Traceback (most recent call last):" in done.stderr
    assert "\nIndexError: pop from empty list\n" in done.stderr
    assert "'one %d'" in done.stderr.splitlines()[-1]


def test_a_stalled_reader_blocks_neither_the_program_nor_its_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOG_WITHOUT_READER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        out, _ = process.stdout.read(), process.wait(SECONDS)
        assert out.split() == [b"not", b"blocked", b"stopped"]
        assert process.returncode == 0
        lines = process.stderr.read().splitlines()
        assert 0 < len(lines) < 5000
        assert [line.split()[2] for line in lines[:10]] == [b"%06d" % number for number in range(10)]


def test_the_journal_gets_a_priority_on_each_line_and_no_time() -> None:
    reading, writing = os.pipe()
    status = os.fstat(writing)
    environ = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    script = LOG_EACH_LEVEL.format(level="debug", form="auto")
    with (
        os.fdopen(reading, "rb") as pipe,
        subprocess.Popen([sys.executable, "-c", script], stderr=writing, env=environ),
    ):
        os.close(writing)
        lines = pipe.read().decode().splitlines()
    assert lines[:4] == ["<7>one debug", "<6>one info", "<4>one warning", "<3>one error"]
    assert "<3>IndexError: pop from empty list" in lines
    assert all(line.startswith("<3>") for line in lines[4:-1]), "each line of a traceback is an entry"


def test_a_redirected_stream_of_a_service_is_not_the_journal() -> None:
    status = os.stat("/dev/null")
    done = subprocess.run(
        [sys.executable, "-c", LOG_EACH_LEVEL.format(level="warning", form="auto")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
    )
    assert LINE.fullmatch(done.stderr.splitlines()[0])


def test_json_is_one_line_for_each_message() -> None:
    done = run(LOG_EACH_LEVEL.format(level="info", form="json"))
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert lines[0] == {"event": "log", "time": lines[0]["time"], "level": "info", "message": "one info"}
    assert "IndexError: pop from empty list" in lines[2]["message"]


LOG_HOSTILE = """
import logging
from licensegate.app.service.logs import start_service_log

log = start_service_log("info")
logging.getLogger("licensegate.test").warning("%s", "red \\x1b[31m, reversed \\u202e, two\\nlines")
logging.getLogger("licensegate.test").info("usual")
log.stop()
"""


def test_a_terminal_gets_short_lines_without_control_characters() -> None:
    with Pty() as terminal:
        command = [sys.executable, "-c", LOG_HOSTILE]
        assert start_on(terminal, command, env={**os.environ, "NO_COLOR": "1"}).wait(SECONDS) == 0
        first, second, third = terminal.read().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning: red \\x1b\[31m, reversed \\u202e, two", first)
    assert second == "lines"
    assert re.fullmatch(r"\d\d:\d\d:\d\d usual", third)
