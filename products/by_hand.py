"""Asks a product once because somebody typed so: at any time, but never with a password that it refused."""

import random
from datetime import datetime, timedelta

from licensegate.licensing.report import Reading

from .memory import AskMemory, LastAsk, settings_digest
from .no_answer import NoAnswerError, NoAnswerReason
from .password import PasswordOnFile
from .poller import ask
from .schedule import AskSchedule
from .settings import AskedProduct


async def ask_by_hand(product: AskedProduct, agent: str, memory: AskMemory, now: datetime) -> Reading:
    """Ask once. Raises NoAnswerError.

    `memory` then has it as an ask: a gate that reads it leaves the product alone as after one of its own.
    """
    password = PasswordOnFile(product.password_file, product.login)
    last = memory.last_ask(product.client)
    if last is not None and last.refused:
        await password.recall_refused(last.refused)
    schedule = AskSchedule(product.every, 0.0, random.random)

    def keep(refused: str = "") -> None:
        again = now + timedelta(seconds=schedule.due)
        memory.keep_ask(product.client, LastAsk(settings_digest(product), again, refused))

    try:
        reading = await ask(product, password, agent, now)
    except NoAnswerError as error:
        schedule.failed(0.0, error.wait)
        if error.reason is NoAnswerReason.LOGIN_REFUSED:
            keep(password.refused_file)
        elif error.reason is not NoAnswerReason.PASSWORD_FILE:  # then nothing was sent
            keep()
        raise
    schedule.answered(0.0)
    keep()
    return reading
