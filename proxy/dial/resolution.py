"""The answer to a look-up of a name."""

from collections.abc import Callable

from msgspec import Struct

from licensegate.records.outcome import Outcome


class Resolved(Struct, frozen=True):
    """The addresses of a name, in the resolver's order."""

    addresses: tuple[str, ...]


class Unresolved(Struct, frozen=True):
    """Why a name has no addresses; `detail` completes the outcome's sentence."""

    outcome: Outcome
    detail: str = ""


Resolution = Resolved | Unresolved
ResolutionCallback = Callable[[Resolution], None]
