"""Remembers which nonce counts were used, so that a login seen on the wire cannot be sent again (RFC 7616 section 5.5).

Holds a fixed number of nonces, each for as long as it may be used. Not a BoundedDict: dropping one nonce alone would
make its old logins valid again, so when the cache is full, every nonce as old as a dropped one becomes stale too. Knows
nothing of other gates with the same key. No I/O, no clock.
"""

from typing import Final

_REMEMBERED: Final = 8192
"""Nonces that logged somebody in; about 1.5 MB when full. Only a client with a right password adds one."""

_WINDOW: Final = 128
"""How far a late count may lag behind the highest: a client's tunnels may overtake each other."""


class _Used:
    """The counts used of one nonce: the highest, and a bit for each of those just below."""

    __slots__ = ("highest", "made", "seen")

    def __init__(self, made: float, count: int) -> None:
        self.made = made
        self.highest = count
        self.seen = 1  # bit n is the count n below the highest


class NonceReplayCache:
    """Accepts each nonce count once. Holds up to `remembered` nonces, each valid for `lifetime` seconds."""

    def __init__(self, lifetime: float, remembered: int = _REMEMBERED) -> None:
        self._lifetime = lifetime
        self._remembered = remembered
        self._used: dict[bytes, _Used] = {}
        self._forgotten_up_to = float("-inf")

    def __len__(self) -> int:
        return len(self._used)

    def is_new(self, nonce: bytes, made: float, count: int) -> bool:
        """Note the use of this count of a nonce made at that time. Returns False if it was used before."""
        used = self._used.get(nonce)
        if used is not None:
            return _note(used, count)
        if made <= self._forgotten_up_to or count < 1:
            return False
        if len(self._used) >= self._remembered:
            self._make_room(made)
            if made <= self._forgotten_up_to:
                return False
        self._used[nonce] = _Used(made, count)
        return True

    def _make_room(self, now: float) -> None:
        """Drop the stale nonces; if they are few, also the older half."""
        oldest_first = sorted(self._used, key=lambda nonce: self._used[nonce].made)
        stale = sum(used.made < now - self._lifetime for used in self._used.values())
        crowded = len(oldest_first) - stale > self._remembered * 3 // 4
        for nonce in oldest_first[: max(stale, (len(oldest_first) + 1) // 2) if crowded else stale]:
            self._forgotten_up_to = max(self._forgotten_up_to, self._used.pop(nonce).made)


def _note(used: _Used, count: int) -> bool:
    ahead = count - used.highest
    if ahead > 0:
        used.seen = (used.seen << ahead if ahead < _WINDOW else 0) | 1
        used.seen &= (1 << _WINDOW) - 1
        used.highest = count
        return True
    bit = 1 << -ahead if -ahead < _WINDOW else 0
    if count < 1 or not bit or used.seen & bit:
        return False
    used.seen |= bit
    return True
