"""A clock that a test moves."""


class Clock:
    """Tells `now`, in seconds, until the test says another time."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
