"""Asks the products of the settings in turn, one at a time, and keeps their answers in memory."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.licensing.report import Reading

from .memory import AskMemory, LastAsk, ShortMemory, settings_digest
from .no_answer import NoAnswerError, NoAnswerReason
from .password import PasswordOnFile
from .schedule import AskSchedule
from .settings import AskedProduct

LOCKED_SECONDS: Final = 60.0
"""How often the file of a refused password is looked at."""

_LONGEST_HOLD: Final = timedelta(days=8)
"""The longest wait of a schedule, about. A longer one was kept while a clock was wrong."""

_log = logging.getLogger(__name__)

Heard = Callable[[str, Reading, datetime], None]
"""Takes a client's name, what its product said, and when."""


class ProductAnswer(Struct, frozen=True):
    """What a product said, and when (aware, UTC)."""

    at: datetime
    reading: Reading


class PolledProduct:
    """A product with its schedule, its last answer, and its last failure since then."""

    def __init__(self, settings: AskedProduct, now: float, chance: Callable[[], float]) -> None:
        self.settings = settings
        self.schedule = AskSchedule(settings.every, now, chance)
        self.password = PasswordOnFile(settings.password_file, settings.login)
        self.was_recalled = False
        self.last_ask: LastAsk | None = None
        self.answer: ProductAnswer | None = None
        self.failure: NoAnswerReason | None = None
        self.answered = 0
        self.failed = dict.fromkeys(NoAnswerReason, 0)


async def ask(product: AskedProduct, password: PasswordOnFile, agent: str, now: datetime) -> Reading:
    """Ask once. Raises NoAnswerError."""
    from .answer import reading_of
    from .client import fetch  # aiohttp takes 0.1 s and 12 MB

    secret = await password.read()
    try:
        answer = await fetch(product, secret, agent)
        return await asyncio.to_thread(reading_of, answer, now)  # a megabyte takes up to a second
    except NoAnswerError as error:
        if error.reason is NoAnswerReason.LOGIN_REFUSED:
            password.note_refused(secret)
        raise


class ProductPoller:
    """Asks products as long as `run` runs. `heard` takes each answer, `memory` keeps what must outlast a restart.

    `clock` is any steady time in seconds.
    """

    def __init__(
        self,
        products: Iterable[AskedProduct],
        agent: str,
        heard: Heard = lambda client, reading, at: None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        memory: AskMemory | None = None,
    ) -> None:
        self.products: dict[str, PolledProduct] = {}
        self._agent = agent
        self._heard = heard
        self._clock = clock
        self._chance = chance
        self._memory = ShortMemory() if memory is None else memory
        self._changed = asyncio.Event()
        self._asking: tuple[PolledProduct, asyncio.Future[None]] | None = None
        self.adopt(products)

    def adopt(self, products: Iterable[AskedProduct]) -> None:
        """Ask these from now on. Those with the same settings keep their times and answers, those with the same login
        keep a refused password; a request to one that is gone, or has other settings, is given up.
        """
        known = self.products
        self.products = {each.client: self._adopted(each, known.get(each.client)) for each in products}
        if self._asking is not None and self._asking[0] not in self.products.values():
            self._asking[1].cancel()
        self._changed.set()

    def _adopted(self, settings: AskedProduct, before: PolledProduct | None) -> PolledProduct:
        if before is not None and before.settings == settings:
            return before
        product = PolledProduct(settings, self._clock(), self._chance)
        if before is not None and before.password.is_of(settings.password_file, settings.login):
            product.password = before.password
        return product

    async def run(self) -> None:
        """Ask each product when it is due, until cancelled."""
        while True:
            self._changed.clear()
            product = min(self.products.values(), key=lambda each: each.schedule.due, default=None)
            if product is None:
                await self._changed.wait()
            elif (seconds := product.schedule.due - self._clock()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._changed.wait()
            else:
                await self._ask(product)

    async def _ask(self, product: PolledProduct) -> None:
        asking = asyncio.ensure_future(self._ask_once(product))
        self._asking = (product, asking)
        try:
            await asyncio.wait({asking})
        finally:
            self._asking = None
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    async def _ask_once(self, product: PolledProduct) -> None:
        settings = product.settings
        if await self._is_held(product):
            return
        if await product.password.is_refused():
            self._note_locked(product)
            return
        try:
            at = datetime.now(UTC)
            reading = await ask(settings, product.password, self._agent, at)
        except NoAnswerError as error:
            self._note_failure(product, error)
        except Exception:  # a fault of ours must not end the asking of others
            _log.exception("asking the product of client %s failed", settings.client)
            product.schedule.failed(self._clock())
        else:
            if product.failure is not None or product.answer is None:
                _log.info("the product of client %s at %s answers", settings.client, settings.address)
            product.answer, product.failure = ProductAnswer(at, reading), None
            product.answered += 1
            product.schedule.answered(self._clock())
            self._heard(settings.client, reading, at)
        self._keep(product)

    async def _is_held(self, product: PolledProduct) -> bool:
        """Tell whether to leave the product alone because another asked it: a gate before this start, or a person."""
        if not (product.was_recalled or self._memory.is_ready):
            product.schedule.due = self._clock() + LOCKED_SECONDS
            return True
        product.was_recalled = True
        last = self._memory.last_ask(product.settings.client)
        if last is None or last == product.last_ask:
            return False
        product.last_ask = last
        if last.refused:
            await product.password.recall_refused(last.refused)
            return False
        if last.settings != settings_digest(product.settings):
            return False
        left = last.again - datetime.now(UTC)
        if not timedelta() < left <= _LONGEST_HOLD:
            return False
        product.schedule.due = self._clock() + left.total_seconds()
        return True

    def _keep(self, product: PolledProduct) -> None:
        refused = product.password.refused_file if product.failure is NoAnswerReason.LOGIN_REFUSED else ""
        again = datetime.now(UTC) + timedelta(seconds=product.schedule.due - self._clock())
        product.last_ask = LastAsk(settings_digest(product.settings), again, refused)
        self._memory.keep_ask(product.settings.client, product.last_ask)

    def _note_failure(self, product: PolledProduct, error: NoAnswerError) -> None:
        settings = product.settings
        if product.failure is not error.reason:  # once for each reason in a row
            _log.warning("the product of client %s at %s gave no answer: %s", settings.client, settings.address, error)
        product.failure = error.reason
        product.failed[error.reason] += 1
        product.schedule.failed(self._clock(), error.wait)
        if error.reason is NoAnswerReason.LOGIN_REFUSED:
            product.schedule.due = self._clock() + LOCKED_SECONDS

    def _note_locked(self, product: PolledProduct) -> None:
        """The password is still the one that was refused, perhaps before a restart: look again in a while."""
        if product.failure is not NoAnswerReason.LOGIN_REFUSED:
            _log.warning(
                "the product of client %s at %s is not asked: %s",
                product.settings.client, product.settings.address, NoAnswerReason.LOGIN_REFUSED.remedy,
            )  # fmt: skip
        product.failure = NoAnswerReason.LOGIN_REFUSED
        product.schedule.due = self._clock() + LOCKED_SECONDS
