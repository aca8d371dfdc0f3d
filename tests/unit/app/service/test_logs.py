"""The service log of a separate process."""

import re
import subprocess
import sys

import pytest

from support.upstream import SECONDS

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR) .+")

LOG_EACH_LEVEL = """
import logging
from licensegate.app.service.logs import start_service_log

log = start_service_log("{level}")
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
    done = run(LOG_EACH_LEVEL.format(level=level))
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
