"""Asks the gate for a tunnel to the target, as any client would, and reads why there is none."""

import re
from typing import Final

from msgspec import Struct

from licensegate.records.text import printable

from .link import USER_AGENT, Link, LinkTimeout

_MOST_HEAD: Final = 16384
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ?([^\r\n]*)")
_LABEL: Final = re.compile(rb'\r\nProxy-Status: [^\r\n]*details="([a-z_]+) ')


class NotReachedError(Exception):
    """There is no tunnel. `outcome` is the gate's own, empty without an answer; the message is the reason."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class _Answer(Struct, frozen=True):
    status: int
    phrase: str
    outcome: str


def open_tunnel(link: Link, authority: str, seconds: float) -> None:
    """Ask for a tunnel to `authority`, waiting so long for the answer. Raises NotReachedError.

    What the target has sent already stays in the link.
    """
    head = b""
    try:
        link.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\n\r\n".encode())
        while b"\r\n\r\n" not in head:
            data = link.receive(seconds)
            if not data or len(head) > _MOST_HEAD:
                raise NotReachedError("", "the gate closed the connection")
            head += data
    except LinkTimeout:
        raise NotReachedError("", "the gate did not answer in time") from None
    except OSError as error:
        raise NotReachedError("", f"the gate closed the connection: {error.strerror}") from None
    head, _, rest = head.partition(b"\r\n\r\n")
    answer = _read(head)
    if answer.status != 200:
        raise NotReachedError(answer.outcome, answer.phrase)
    link.begin_with(rest)


def _read(head: bytes) -> _Answer:
    status = _STATUS.match(head)
    if status is None:
        raise NotReachedError("", "the gate did not answer by HTTP")
    label = _LABEL.search(head + b"\r\n")
    return _Answer(int(status[1]), printable(status[2], 240), label[1].decode() if label else "")
