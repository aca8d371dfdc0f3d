"""What happens to an output between the product and the reader, as functions of text."""

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
}
