"""A password as it stands in a file or an environment variable. No I/O."""

from typing import Final

PASSWORD_BYTES: Final = 4096
"""The longest; more than that was named by mistake."""


class PasswordError(ValueError):
    """What was read is no password; `str()` says why, and nothing of it."""


def read_password(raw: bytes) -> str:
    """The one line, without its end. Raises PasswordError."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = line.decode("utf-8-sig")  # editors on Windows begin a text by its mark
    except UnicodeDecodeError:
        raise PasswordError("is not text in UTF-8") from None
    if not password or len(raw) > PASSWORD_BYTES or any(sign in password for sign in "\r\n\0"):
        raise PasswordError(f"is not one line of 1 to {PASSWORD_BYTES} bytes")
    return password
