"""The place and the memory that a connection takes before it has a tunnel: taken, counted and given back.

A connection whose request is there at once takes no place, and holds nothing.
"""

from abc import ABC, abstractmethod
from typing import Final

from licensegate.records.outcome import Outcome

from ..net.channel import Channel, TlsChannel
from ..protocol.conversation import Conversation
from ..protocol.states import State
from .context import TunnelContext

_WAITS_FOR_CLIENT: Final = frozenset({State.HELLO, State.HANDSHAKE, State.HEAD, State.LINGERING})


class AccountedConnection(ABC):
    """A client connection as the limits see it. `Tunnel` does the rest.

    Any other connection may have to go for it, and it for any other: a method that may close it says so.
    """

    __slots__ = ("_behind_balancer", "_client", "_context", "_held", "_waits", "conversation", "record")

    def __init__(self, context: TunnelContext, client: Channel, conversation: Conversation) -> None:
        self._context = context
        self._client = client
        self._behind_balancer = conversation.state is State.PROXY_HEADER  # which has not named the client yet
        self._waits: bool | None = None  # in a place for connections that wait; None before it needs one
        self._held = 0  # bytes of memory, as counted
        self.conversation = conversation
        self.record = conversation.record

    @abstractmethod
    def end(self, outcome: Outcome, detail: str = "") -> None:
        """End it from outside the protocol, in any state."""

    @abstractmethod
    def crashed(self, error: Exception) -> None:
        """End it because of a fault in the gate."""

    def _may_stay(self) -> bool:
        """Close a client that is not served, unless it is one of the few that may read why."""
        unserved = self.conversation.unserved
        if self.conversation.state is State.HELLO and unserved is not None:
            context, is_stranger = self._context, unserved.outcome is Outcome.CLIENT_NOT_ALLOWED
            places = context.strangers if is_stranger else context.too_fast
            self._waits = places.add(self, self.record.client)
            if not self._waits:
                self.end(unserved.outcome, unserved.detail)
                return False
        return True

    def _wait(self) -> bool:
        """Take a place, the first time that the client is waited for. Returns False if that closed it."""
        if self._waits is None:
            self._waits = True
            self._context.wait(self, self.record.client)
        return self.conversation.state is not State.CLOSED

    def _wait_as_client(self) -> None:
        """Wait in the name of the client, which the balancer has named by now. May close it."""
        self._behind_balancer = False
        if self._waits and self.conversation.state in _WAITS_FOR_CLIENT:
            self._context.waiting.remove(self)
            self._waits = None
            if self._may_stay():
                self._wait()

    def _serve(self) -> None:
        """Give the place back, because the connection counts as a tunnel now."""
        if self._waits:
            self._context.waiting.remove(self)
        elif self._waits is None and self._context.waiting.total:
            self._context.make_room()
        self._waits = False

    def _hold(self) -> bool:
        """Count the memory that the connection takes. Returns False if that closed it."""
        client = self._client
        size = self.conversation.held
        if isinstance(client, TlsChannel):
            size += client.held
        if size == self._held:
            return True
        self._held = size
        self._context.hold(self, self.record.client, size)
        return self.conversation.state is not State.CLOSED

    def _release(self) -> None:
        """Count no memory any more."""
        self._held = 0
        self._context.held.remove(self)

    def _leave(self) -> None:
        """Give everything back."""
        if self._waits:
            self._context.waiting.remove(self)
            self._context.strangers.remove(self)
            self._context.too_fast.remove(self)
        if self._held:
            self._release()
