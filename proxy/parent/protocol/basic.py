"""Basic (RFC 7617): user and password as they are, in UTF-8. Whoever sees the connection sees them."""

import base64

from .challenges import Challenge
from .scheme import LoginFailedError, LoginRefusedError, ParentScheme


class BasicLogin:
    """Says the same at once and once only."""

    scheme = ParentScheme.BASIC
    blocks = False

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._said = False

    def answer(self, challenge: Challenge | None) -> str:
        """User and password; see `Login`."""
        if self._said:
            raise LoginRefusedError(of_password=True)
        if ":" in self._user:
            raise LoginFailedError("a user name for Basic has no colon in it")
        self._said = True
        return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode("ascii")
