"""The clients of a fleet: tunnels that are opened when they are due, from the addresses of many sites."""

import random
import time
from collections import Counter
from collections.abc import Sequence

from channel import LoadError
from load import Client, Tunnel
from msgspec import Struct
from route import Route

_AT_ONCE = 400
_STALL_SECONDS = 20
_MOST_REASONS = 3


class Day(Struct, frozen=True):
    """A day of a fleet: so many products at so many sites, the tunnels of each, and the seconds that the day takes."""

    instances: int
    sites: int
    calls_per_day: int
    seconds: float

    @property
    def tunnels(self) -> int:
        """All tunnels of the day."""
        return self.instances * self.calls_per_day

    def arrivals(self) -> list[float]:
        """When each tunnel is due, in seconds: evenly spread, at random, since each product has a rhythm of its own."""
        chance = random.Random(self.tunnels)
        return sorted(chance.uniform(0, self.seconds) for _ in range(self.tunnels))

    def address(self, number: int) -> str:
        """The address of the site that tunnel `number` comes from."""
        site = number % self.sites
        return f"127.2.{site // 250}.{site % 250 + 1}"


class FleetClient(Client):
    """Opens the tunnels of a day. A tunnel that is refused or broken off is counted, and the day goes on."""

    def __init__(self, route: Route) -> None:
        super().__init__(route)
        self.served: Counter[str] = Counter()
        self.lost = 0
        self.reasons: list[str] = []
        self.latest = 0.0
        self._done = self._served

    def live(self, day: Day) -> float:
        """Open all tunnels, each once it is due and a place is free. Returns the seconds that it took."""
        due = day.arrivals()
        self.begin()
        started, opened = time.perf_counter(), 0
        while self.served.total() + self.lost < len(due):
            now = time.perf_counter() - started
            while opened < len(due) and due[opened] <= now and len(self.tunnels) < _AT_ONCE:
                self.latest = max(self.latest, now - due[opened])
                self.open(day.address(opened))
                opened += 1
            if not self.wait(self._pause(due, opened, now)) and opened == len(due):
                self._give_up()
        return time.perf_counter() - started

    def broke(self, tunnel: Tunnel, error: LoadError) -> None:
        """Count a tunnel that was refused or reset."""
        self.lost += 1
        if len(self.reasons) < _MOST_REASONS:
            self.reasons.append(str(error))
        self.forget(tunnel)
        tunnel.channel.sock.close()

    def _pause(self, due: Sequence[float], opened: int, now: float) -> float:
        """How long to wait for an answer: until the next tunnel may be opened."""
        if opened == len(due) or len(self.tunnels) >= _AT_ONCE:
            return _STALL_SECONDS
        return max(0.0, due[opened] - now)

    def _served(self, tunnel: Tunnel) -> None:
        self.close(tunnel)
        self.served[tunnel.source] += 1

    def _give_up(self) -> None:
        for tunnel in list(self.tunnels.values()):
            self.broke(tunnel, LoadError(f"no answer within {_STALL_SECONDS} s"))
