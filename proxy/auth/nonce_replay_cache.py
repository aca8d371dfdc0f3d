"""Which nonce counts were used already, so that a login seen on the wire is no use to whoever saw it.

Memory is bounded: a nonce is remembered as long as it may be used, and no more of them than a fixed number. One that
had to be forgotten early takes with it every nonce of its age and older, which are then as good as stale. It knows
nothing of other gates with the same key. No I/O, no clock.
"""

from typing import Final

_REMEMBERED: Final = 8192
"""Nonces that logged somebody in; about 1.5 MB when full. Nobody without a password can add any."""

_WINDOW: Final = 128
"""How far behind the highest count a late one may be: a client's tunnels may overtake each other."""


class _Used:
    """The counts used of one nonce: the highest, and which of those just below."""

    __slots__ = ("highest", "made", "seen")

    def __init__(self, made: float, count: int) -> None:
        self.made = made
        self.highest = count
        self.seen = 1  # bit n stands for the count n below the highest


class NonceReplayCache:
    """Takes each nonce count once. `remembered` is how many nonces at most, `lifetime` how many seconds one is good."""

    def __init__(self, lifetime: float, remembered: int = _REMEMBERED) -> None:
        self._lifetime = lifetime
        self._remembered = remembered
        self._used: dict[bytes, _Used] = {}
        self._forgotten_up_to = float("-inf")

    def __len__(self) -> int:
        return len(self._used)

    def is_new(self, nonce: bytes, made: float, count: int) -> bool:
        """Whether this count of a nonce made at that time comes for the first time; it does not do so again."""
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
        """Forget what is stale; where that is little, down to the younger half."""
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
