"""Renders pages in slices of time, so that a long page does not delay the tunnels, and shares what was rendered.

A page rendered for one reader serves all that ask while it is being sent, so that many slow readers hold few copies.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from licensegate.app.overview.slices import gathered

from .page import PageAnswer

_SHARED_SECONDS: Final = 5.0
"""How old a shared rendering may become."""


async def joined(pieces: Iterable[bytes]) -> bytes:
    """Join the pieces. Lets the event loop run whenever a slice is over."""
    return b"".join(await gathered(pieces))


Rendered = tuple[PageAnswer, bytes]
"""An answer, and its body in bytes."""


class Rendering:
    """A page that is rendered once for several requests: its answer and its body. `readers` counts the requests."""

    def __init__(self, rendered: Awaitable[Rendered]) -> None:
        self.began = time.monotonic()
        self.result = asyncio.ensure_future(rendered)
        self.readers = 0


class SharedRenderings:
    """The newest rendering in use of each page. A key says what is asked for: path, parameters, language, session."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, ...], Rendering] = {}

    @contextlib.contextmanager
    def rendering(self, key: tuple[str, ...], render: Callable[[], Awaitable[Rendered]]) -> Iterator[Rendering]:
        """The rendering in use of this page, or a new one. It is shared until the last block has ended."""
        rendering = self._newest.get(key)
        if rendering is None or time.monotonic() - rendering.began > _SHARED_SECONDS:
            rendering = self._newest[key] = Rendering(render())
        rendering.readers += 1
        try:
            yield rendering
        finally:
            rendering.readers -= 1
            if not rendering.readers and self._newest.get(key) is rendering:
                del self._newest[key]
