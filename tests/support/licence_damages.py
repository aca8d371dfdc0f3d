"""What happens to an output between the product and the reader, as functions of text."""

import html
import json
import quopri
import re
import textwrap
from collections.abc import Callable


def with_pager(prompt: str, on_own_line: bool) -> Callable[[str], str]:
    def damage(text: str) -> str:
        lines = text.split("\n")
        for number in range(len(lines) - 1, 0, -7):
            lines[number] = f"{prompt}\n{lines[number]}" if on_own_line else prompt + lines[number]
        return "\n".join(lines)

    return damage


def each_line(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(change(line) for line in text.splitlines()) + "\n"


def wrapped_at_blanks(width: int) -> Callable[[str], str]:
    return each_line(lambda line: "\n".join(textwrap.wrap(line, width)) if line.strip() else line)


def wrapped_anywhere(width: int) -> Callable[[str], str]:
    return each_line(lambda line: "\n".join(line[at : at + width] for at in range(0, max(1, len(line)), width)))


DAMAGES: dict[str, Callable[[str], str]] = {
    "byte-order mark": lambda text: "\ufeff" + text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR CR LF": lambda text: text.replace("\n", "\r\r\n"),
    "CR alone": lambda text: text.replace("\n", "\r"),
    "prompt and command": lambda text: f"admin:show license all\n{text}\nadmin:",
    "abbreviated command": lambda text: f"rtr-1(config)#do sh lic all\n{text}rtr-1(config)# ",
    "pager of IOS": with_pager(" --More-- ", True),
    "pager of ASA": with_pager("<--- More --->", True),
    "pager of CUCM": with_pager("Press <enter> for 1 line, <space> for one page, or <q> to quit", True),
    "pager struck over": with_pager(" --More-- " + "\b" * 9 + " " * 8 + "\b" * 9, False),
    "pager overwritten": with_pager("<--- More --->\r              \r", False),
    "quoted in a mail": each_line(lambda line: "> " + line),
    "quoted twice": each_line(lambda line: (">> " + line).rstrip()),
    "colours": each_line(lambda line: f"\x1b[1m{line}\x1b[0m\x1b[K"),
    "coloured keys": lambda text: re.sub(r"(\w+):", "\x1b[32m\\1\x1b[0m:", text),
    "tabs": lambda text: re.sub(r" {2,}", "\t", text),
    "no indentation": each_line(str.strip),
    "more indentation": each_line(lambda line: "      " + line),
    "trailing blanks": each_line(lambda line: line + "   "),
    "no empty lines": lambda text: "".join(line for line in text.splitlines(True) if line.strip()),
    "twice the empty lines": lambda text: text.replace("\n", "\n\n"),
    "no-break spaces": lambda text: text.replace("  ", "\u00a0 "),
    "wrapped at blanks, 78": wrapped_at_blanks(78),
    "wrapped at blanks, 72": wrapped_at_blanks(72),
    "wrapped, then quoted": lambda text: each_line(lambda line: "> " + line)(wrapped_at_blanks(72)(text)),
    "wrapped, without empty lines": lambda text: wrapped_at_blanks(76)(re.sub("\n+", "\n", text)),
    "wrapped by a terminal, 80": wrapped_anywhere(80),
    "wrapped by a terminal, 100": wrapped_anywhere(100),
    "pager that wants any key": with_pager("-- Press any key to continue (Q to quit) --", True),
    "pager with its place": with_pager("--More-- (42%)", True),
    "prompt behind the last letter": lambda text: f"SW-1#show license all\n{text.rstrip()}SW-1#",
    "other commands around it": lambda text: (
        f"SW-1# terminal length 0\nSW-1# show clock\n*16:31:02.123 UTC Mon Nov 30 2026\n"
        f"SW-1# show license all\n{text.rstrip()}\nSW-1# exit\n"
    ),
    "a mail around it": lambda text: f"Hello,\nsee below.\n```\n{text.rstrip()}\n```\n\nRegards,\nKenji\n",
    "escaped for the web": lambda text: html.escape(text).replace("  ", "&nbsp; "),
    "a page's source": lambda text: f"<pre>{html.escape(text)}</pre>",
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "a string of a program": lambda text: json.dumps(text),
    "lines of Ansible": lambda text: json.dumps({"changed": False, "stdout_lines": [text.splitlines()]}),
    "syslog": each_line(lambda line: f"Nov  3 16:32:56 jump script[2112]: {line}"),
    "syslog of RFC 5424": each_line(lambda line: f"<134>1 2026-11-30T16:32:56.003Z jump script 2112 - - {line}"),
    "a terminal's clock": each_line(lambda line: f"[2026-11-30 16:32:56] {line}"),
    "line numbers": lambda text: "".join(
        f"{number:4d}  {line}" for number, line in enumerate(text.splitlines(True), 1)
    ),
    "a box": each_line(lambda line: f"| {line:100} |"),
    "escapes that are shown": each_line(lambda line: f"^[[1m{line}^[[0m"),
    "title of a terminal": lambda text: f"\x1b]0;ssh\a{text}",
    "only no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "wide colons": lambda text: text.replace(": ", "\uff1a"),
}
