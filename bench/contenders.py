"""What takes part: the gate and its peers, all configured alike, and some of them again with one feature more.

The target is `localhost` and the origin's port, so each resolves and checks a name; the floor and HAProxy dial a fixed
address. All listen on 127.0.0.1 only, and each writes to its own folder.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import gates
import peers
from msgspec import Struct
from route import Manner
from running import Instance

GATE, BEFORE = "licensegate", "before"


class Contender(Struct, frozen=True):
    """A proxy: its name, what it does, and a function that writes its settings and returns its command.

    `plain` is the name of the contender that is the same without its feature. An `optional` one is measured on request.
    """

    name: str
    does: str
    command: Callable[[Instance], list[str]]
    manner: Manner = Manner.CONNECT
    plain: str = ""
    has_parent: bool = False
    has_exchange: bool = False
    optional: bool = False


def _feature(
    plain: str, feature: str, command: Callable[[Instance], list[str]], manner: Manner = Manner.CONNECT
) -> Contender:
    parts = {"has_parent": feature == "parent", "has_exchange": feature == "exchange"}
    return Contender(f"{plain}+{feature}", feature, command, manner, plain, **parts)


def gate_of(checkout: Path) -> Contender:
    """The gate of another checkout, such as that of the commit before."""
    return Contender(BEFORE, "the gate of another checkout", partial(gates.gate, checkout=checkout))


PLAIN = (
    Contender(GATE, "all checks, log, admin server", gates.gate),
    Contender("squid", "allowlist, log", peers.squid),
    Contender("tinyproxy", "filter, no log", peers.tinyproxy),
    Contender("tinyproxy-log", "filter, log", peers.logging_tinyproxy),
    Contender("haproxy", "TCP mode: no CONNECT, name in the ClientHello, log", peers.haproxy, Manner.RELAY),
    Contender("proxy.py", "no allowlist, no log", peers.proxy_py, optional=True),
    Contender("floor", "relay only, in C", peers.floor),
)
FEATURES = (
    _feature(GATE, "exchange", gates.gate),
    _feature("squid", "exchange", peers.squid),
    _feature("floor", "exchange", peers.floor),
    _feature(GATE, "basic", gates.gate_with_basic, Manner.BASIC),
    _feature("squid", "basic", peers.squid_with_basic, Manner.BASIC),
    _feature("tinyproxy", "basic", peers.tinyproxy_with_basic, Manner.BASIC),
    _feature(GATE, "digest", gates.gate_with_digest, Manner.DIGEST),
    _feature("squid", "digest", peers.squid_with_digest, Manner.DIGEST),
    _feature(GATE, "tls", gates.gate_with_tls, Manner.TLS),
    _feature("squid", "tls", peers.squid_with_tls, Manner.TLS),
    _feature(GATE, "parent", gates.gate_with_parent),
    _feature("squid", "parent", peers.squid_with_parent),
    _feature(GATE, "ledger", gates.gate_with_ledger),
    _feature(GATE, "pair", gates.pair_of_gates),
)
