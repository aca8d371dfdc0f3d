"""Renders pages in slices of time, so that a long page does not delay the tunnels, and shares what was rendered.

A page rendered for one reader serves all that ask while it is being sent, so that many slow readers hold few copies.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

_SLICE_SECONDS: Final = 0.001
"""How long rendering may hold the event loop at a time, plus the piece in progress."""

_SHARED_SECONDS: Final = 5.0
"""How old a shared rendering may become."""


async def joined(pieces: Iterable[bytes]) -> bytes:
    """Join the pieces. Lets the event loop run whenever a slice is over."""
    parts = []
    until = time.monotonic() + _SLICE_SECONDS
    for piece in pieces:
        parts.append(piece)
        if time.monotonic() >= until:
            await asyncio.sleep(0)
            until = time.monotonic() + _SLICE_SECONDS
    return b"".join(parts)


def json_pieces(name: str, entries: Iterable[Struct], **numbers: int) -> Iterator[bytes]:
    """A line of JSON, an entry in each piece: an object with these numbers, and under `name` the list of entries."""
    encode = msgspec.json.Encoder().encode
    yield b"{" + b"".join(b'"%s":%d,' % (key.encode(), number) for key, number in numbers.items())
    yield b'"%s":[' % name.encode()
    comma = b""
    for entry in entries:
        yield comma + encode(entry)
        comma = b","
    yield b"]}\n"


class Rendering:
    """A page that is rendered once for several requests: its status and its body. `readers` counts the requests."""

    def __init__(self, rendered: Awaitable[tuple[int, bytes]]) -> None:
        self.began = time.monotonic()
        self.result = asyncio.ensure_future(rendered)
        self.readers = 0


class SharedRenderings:
    """The newest rendering in use of each page, by path."""

    def __init__(self) -> None:
        self._newest: dict[str, Rendering] = {}

    @contextlib.contextmanager
    def rendering(self, path: str, render: Callable[[], Awaitable[tuple[int, bytes]]]) -> Iterator[Rendering]:
        """The rendering in use of this page, or a new one. It is shared until the last block has ended."""
        rendering = self._newest.get(path)
        if rendering is None or time.monotonic() - rendering.began > _SHARED_SECONDS:
            rendering = self._newest[path] = Rendering(render())
        rendering.readers += 1
        try:
            yield rendering
        finally:
            rendering.readers -= 1
            if not rendering.readers and self._newest.get(path) is rendering:
                del self._newest[path]
