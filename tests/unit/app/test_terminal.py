"""What commands print, on a terminal and elsewhere."""

import json
import os
import subprocess
import sys

import pytest

from support.pty import run_on_terminal

HOSTILE = "red \x1b[31m, \x9b, reversed \u202e, tagged \U000e0001"
SAY = "import sys; from licensegate.app.terminal import say, say_json; {function}({text!r})"
ESCAPED = "red \\x1b[31m, \\x9b, reversed \\u202e, tagged \\U000e0001"


@pytest.mark.parametrize(
    ("function", "text", "shown"),
    [
        pytest.param("say", f"{HOSTILE}\n\tJapanese: 日本\u3000語", f"{ESCAPED}\n\tJapanese: 日本\u3000語", id="text"),
        pytest.param("say_json", json.dumps(HOSTILE, ensure_ascii=False), json.dumps(HOSTILE), id="JSON"),
    ],
)
def test_a_terminal_is_shown_what_would_act_on_it(function: str, text: str, shown: str) -> None:
    program = SAY.format(function=function, text=text)
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8"}

    status, on_terminal = run_on_terminal(sys.executable, "-c", program, columns=500, env=environ)

    assert (status, on_terminal.replace("        Japanese", "\tJapanese")) == (0, f"{shown}\n")
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environ, check=True).stdout
    assert piped.decode() == f"{text}\n"


COMPLAIN = """
from licensegate.app.terminal import complain
complain("warning: this may be wrong")
complain("this is wrong")
"""


def test_an_error_in_the_journal_has_its_priority() -> None:
    reading, writing = os.pipe()
    status = os.fstat(writing)
    environ = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    with os.fdopen(reading) as journal:
        subprocess.run([sys.executable, "-c", COMPLAIN], stderr=writing, env=environ, check=True)
        os.close(writing)
        assert journal.read() == "<4>licensegate: warning: this may be wrong\n<3>licensegate: this is wrong\n"


@pytest.mark.parametrize("named", ["", "1", "nonsense", "0:0"])
def test_without_the_journal_an_error_has_none(named: str) -> None:
    environ = {**os.environ, "JOURNAL_STREAM": named}
    done = subprocess.run([sys.executable, "-c", COMPLAIN], capture_output=True, env=environ, check=True)
    assert done.stderr.startswith(b"licensegate: warning: ")
