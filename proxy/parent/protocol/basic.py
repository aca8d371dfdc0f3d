"""Basic (RFC 7617): user and password in UTF-8, readable by anyone who sees the connection."""

import base64

from .challenges import Challenge
from .scheme import LoginFailedError, LoginRefusedError, ParentScheme


class BasicLogin:
    """Sends user and password once, with or without a challenge."""

    scheme = ParentScheme.BASIC
    blocks = False

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._answered = False

    def answer(self, challenge: Challenge | None) -> str:
        """The user and the password; see `Login`."""
        if self._answered:
            raise LoginRefusedError(wrong_password=True)
        if ":" in self._user:
            raise LoginFailedError("Basic cannot carry a user name with a colon")
        self._answered = True
        return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode("ascii")
