"""What test-rule does not look at: the other things that decide whether a tunnel works."""

from collections.abc import Iterator

from licensegate.allowlist.target import authority
from licensegate.proxy.dial.address_selection import known_address
from licensegate.proxy.dial.settings import DialSettings
from licensegate.proxy.parent.settings import ParentSettings, ParentTarget
from licensegate.proxy.protocol.commands import Dial


def not_looked_at(parents: ParentSettings, settings: DialSettings, dial: Dial) -> Iterator[str]:
    """Yield what the gate does next, in words."""
    parent = next(iter(parents.proxies), None)
    known = known_address(dial.target, dial.rule, settings.address_of_target)
    if known is None and (parent is None or parent.target is not ParentTarget.NAME):
        yield f"the addresses of {dial.target.host}"
    dialled = authority(known.address, known.port) if known else str(dial.target)
    yield " or ".join(_ways(parents)) or f"the connection to {dialled}"
    yield "the limits of connections"
    yield "what the client sends through the tunnel"


def _ways(parents: ParentSettings) -> Iterator[str]:
    """The parents, in the order in which they are tried, and the direct connection if it is the last resort."""
    for parent in parents.proxies:
        yield f"the parent proxy {parent}"
    if parents.proxies and parents.direct:
        yield "the direct connection"
