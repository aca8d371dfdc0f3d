"""The answer to a look-up of a name."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from licensegate.records.outcome import Outcome


class Resolved(Struct, frozen=True):
    """The addresses of a name, in the resolver's order. `may_change`: another answer of this look-up follows."""

    addresses: tuple[str, ...]
    may_change: bool = False


class Unresolved(Struct, frozen=True):
    """Why a name has no addresses; `detail` completes the outcome's sentence. `may_change` as in `Resolved`."""

    outcome: Outcome
    detail: str = ""
    may_change: bool = False


NO_SUCH_ADDRESS: Final = frozenset({Outcome.DNS_NOT_FOUND, Outcome.DNS_EMPTY})
"""The name does not exist, or has no address: answers, not failures to get one."""

Resolution = Resolved | Unresolved
ResolutionCallback = Callable[[Resolution], None]
