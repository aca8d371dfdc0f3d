"""Remembers who logged in from where, so that these logins are checked first when many wait.

Only a right password adds an entry, so guesses cannot push one out. Bounded: the login proven longest ago is forgotten
first. No I/O, no clock.
"""

from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.records.bounded import BoundedDict

_REMEMBERED: Final = 4096


class ProvenLogins:
    """The users whose last checked password was right, each with its source, a `client_block`."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._proven: BoundedDict[tuple[str, str], None] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._proven)

    def holds(self, client: str, user: str) -> bool:
        """Tell whether this user's last password from this client's source was right."""
        return (client_block(client), user) in self._proven

    def note(self, client: str, user: str, *, right: bool) -> None:
        """Note the result of a check."""
        if right:
            self._proven.put((client_block(client), user), None)
        else:
            self._proven.pop((client_block(client), user), None)
