"""Values that must never be printed: passwords, header fields with a password, keys."""


class Secret:
    """Bytes hidden from repr. Compared by identity only, so no secret is compared in variable time by accident."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        return "Secret(...)"
