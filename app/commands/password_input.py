"""Reads a password from the terminal, standard input or a file. Never from the command line."""

import getpass
import sys
from pathlib import Path
from typing import BinaryIO, Final

_MOST_BYTES: Final = 4096


class PasswordInputError(Exception):
    """No password could be read. The text says why, and what to do."""


def read_password(*, stdin: bool, file: Path | None, twice: bool) -> str:
    """Read a password, from the terminal by default, there `twice` for a new one. Raises PasswordInputError."""
    if stdin:
        if sys.stdin is None:
            raise PasswordInputError("standard input is closed; pipe the password into it, or use --password-file")
        return _first_line(sys.stdin.buffer, "standard input")
    if file is not None:
        try:
            with file.open("rb") as content:
                return _first_line(content, str(file))
        except OSError as error:
            raise PasswordInputError(f"{file}: {error.strerror}") from None
    return _typed(twice=twice)


def _first_line(content: BinaryIO, where: str) -> str:
    line = content.readline(_MOST_BYTES).removesuffix(b"\n").removesuffix(b"\r")
    try:
        return line.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError:
        raise PasswordInputError(f"{where}: the password is not text in UTF-8") from None


def _typed(*, twice: bool) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise PasswordInputError("no terminal to type a password at; use --stdin or --password-file")
    try:
        password = getpass.getpass("Password: ")
        if twice and getpass.getpass("Repeat password: ") != password:
            raise PasswordInputError("the two passwords differ; nothing has been changed")
    except EOFError:
        raise PasswordInputError("no password was typed; nothing has been changed") from None
    except UnicodeDecodeError:
        raise PasswordInputError("the password is not text in UTF-8; nothing has been changed") from None
    return password
