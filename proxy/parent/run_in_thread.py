"""Work that may wait for a disk or a network, away from the event loop.

Its threads end with the program, whatever they wait for: a KDC that does not answer must not hold up a stop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def run_in_thread(work: Callable[[], _T]) -> _T:
    """What `work` returns or raises, run in a thread of its own."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def tell(result: _T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits for it any more
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
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="parent login", daemon=True).start()
    return await done
