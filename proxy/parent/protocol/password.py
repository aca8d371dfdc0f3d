"""Reads a password from the content of a file or an environment variable. No I/O."""

from typing import Final

PASSWORD_BYTES: Final = 4096
"""The longest password; a longer file was named by mistake."""


class PasswordError(ValueError):
    """The content is not a password. The message never repeats it."""


def read_password(raw: bytes) -> str:
    """The password: one line, without its line end. Raises PasswordError."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = line.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError:
        raise PasswordError("is not text in UTF-8") from None
    if not password or len(raw) > PASSWORD_BYTES or any(sign in password for sign in "\r\n\0"):
        raise PasswordError(f"is not one line of 1 to {PASSWORD_BYTES} bytes")
    return password
