"""The tunnels that a reload, a revocation or an operator has ended."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from .answer import Answer

_MOST_NAMED = 5


class EndedTunnel(Struct, frozen=True, kw_only=True):
    """A tunnel that was ended, or another connection of a client. `reason` says why; empty if an operator chose it."""

    id: str
    client: str
    target: str
    user: str
    reason: str = ""

    def __str__(self) -> str:
        user = f" as {self.user}" if self.user else ""
        return f"{self.id} ({self.client} to {self.target or 'no target yet'}{user})"


class EndedTunnels(Answer, frozen=True, kw_only=True):
    """The answer to a revocation or to `end`. `unknown` are ids that no open connection has.

    With `dry_run` nothing was ended.
    """

    tunnels: list[EndedTunnel]
    unknown: tuple[str, ...] = ()
    dry_run: bool = False


def ids(ended: Sequence[EndedTunnel]) -> tuple[str, ...]:
    """The ids of these tunnels."""
    return tuple(one.id for one in ended)


def no_longer_allowed(ended: Sequence[EndedTunnel]) -> Iterator[str]:
    """Say for a log how many tunnels were ended because they are no longer allowed, if any, and name the first few."""
    if ended:
        what = "1 tunnel that is" if len(ended) == 1 else f"{len(ended)} tunnels that are"
        yield f"ended {what} no longer allowed: {in_words(ended)}"


def in_words(ended: Sequence[EndedTunnel]) -> str:
    """Name the first few of these tunnels, and count the others."""
    more = len(ended) - _MOST_NAMED
    return ", ".join(map(str, ended[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
