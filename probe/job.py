"""What the gate asks its probe process for: one line of JSON on standard input."""

from msgspec import Struct


class LookJob(Struct, frozen=True):
    """One look at the target `host`:`port`.

    `connections` are descriptors of connections to the gate, to be used in turn, each once. `is_own` if the target is
    an operator's own, `ca` the PEM file with its authorities, `roots` one with more public roots; empty for none.
    """

    host: str
    port: int
    connections: tuple[int, ...]
    is_own: bool = False
    ca: str = ""
    roots: str = ""
