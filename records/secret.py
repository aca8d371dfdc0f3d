"""What must never be printed: a password, a header that holds one, a key."""


class Secret:
    """Bytes whose repr says nothing. Compared by identity only, so that nobody compares them carelessly."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        return "Secret(...)"
