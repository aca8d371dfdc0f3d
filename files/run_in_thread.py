"""Runs blocking work, such as waiting for a disk or a network, outside the event loop.

The threads are daemons: a KDC or a network mount that does not answer must not delay the end of the program.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def run_in_thread(work: Callable[[], _T], name: str) -> _T:
    """Run `work` in a new thread of this name, and return its result or raise its exception."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def finish(result: _T | None, error: BaseException | None) -> None:
        if done.done():  # the wait was cancelled
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # without an error, it is the result
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(finish, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
