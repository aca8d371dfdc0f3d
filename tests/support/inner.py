"""The gate's own parts, set up within a test's event loop. The one file here that imports the gate's code."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from licensegate.allowlist.target import Target
from licensegate.proxy.poller import Poller

TARGET = Target("target.test", 443)
CONNECT = f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode()
"""The head that `Running.connect` sends."""


class CountingPoller(Poller):
    """A poller that counts its wake-ups."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_done: Callable[[], None] = lambda: None) -> None:
        self.wake_ups = 0
        super().__init__(loop, batch_done)

    def _run_batch(self) -> None:
        self.wake_ups += 1
        super()._run_batch()


@contextlib.contextmanager
def counting_poller(batch_done: Callable[[], None] = lambda: None) -> Iterator[CountingPoller]:
    """A poller in the running loop."""
    poller = CountingPoller(asyncio.get_running_loop(), batch_done)
    try:
        yield poller
    finally:
        poller.finish_batch()
        poller.stop()
