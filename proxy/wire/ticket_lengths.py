"""The lengths of the records that carry session tickets in TLS 1.3, by target (RFC 8446 section 4.6.1). Pure.

A server sends its tickets behind the client's first request: without their length, a ticket looks like an answer. Those
of one server have a few lengths. Tunnels show them (`tls_exchange`), and so does a look at the target.
"""

from typing import Final

from licensegate.records.bounded import BoundedDict

_TARGETS: Final = 512
_OF_ONE_TARGET: Final = 16


class TicketLengths:
    """The known lengths of each target's tickets, in bytes without the record's header."""

    def __init__(self) -> None:
        self._by_target: BoundedDict[str, frozenset[int]] = BoundedDict(_TARGETS)

    def of(self, target: str) -> frozenset[int] | None:
        """The lengths of this target's tickets; empty if it is known to send none, None if nothing is known."""
        return self._by_target.get(target)

    def learn(self, target: str, lengths: frozenset[int]) -> None:
        """Note tickets that this target has sent; none if it completed a handshake and sent none.

        That is believed only while none of its tickets were seen. A target with too many lengths starts over.
        """
        known = self._by_target.get(target)
        if known is not None and lengths <= known:
            return
        together = lengths if known is None else known | lengths
        self._by_target.put(target, together if len(together) <= _OF_ONE_TARGET else lengths)
