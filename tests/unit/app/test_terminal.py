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
        pytest.param("say", f"{HOSTILE}\n\tJapanese: 日本語", f"{ESCAPED}\n\tJapanese: 日本語", id="text"),
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
