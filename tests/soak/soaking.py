"""One soak: rounds of traffic, a look at the gates after each, and the comparison of all books at the end."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from support.admin_client import Series, get_page
from support.gate import Gate

from . import books
from .books import Difference, Ended
from .clients import Behaved, kinds
from .doors import Doors, open_doors
from .origin import Origin, refusing_port
from .process import PIPES, Held, settled
from .traffic import Traffic, type_command

MOST_GROWTH = 4 << 20
"""Bytes that a gate's memory may grow from the end of the first round on: what the allocator keeps varies by less."""

COMMANDS = ("status", "tunnels")
"""What people type beside the traffic."""

MOST_PIPES = 2 * 64 + 8
"""Ends of pipes: of those that tunnels splice through a gate keeps up to 64, and it has some of its own."""

REMEMBERED = frozenset(
    {
        "licensegate.proxy.auth.nonce_replay_cache._Used",  # up to 8192, one of each login by Digest
        "licensegate.records.change.Change",  # up to 200
        "licensegate.ledger.clients.ClientKey",  # up to 4096, and a reload empties the cache
        "licensegate.ledger.intake.Tally",  # up to 10,000, until they are written
        "licensegate.app.observers.recent.ClientProgram",  # up to 8 of each client
    }
)
"""Classes whose objects come and go with the traffic, or become more, up to a bound of their own."""

_MAIN, _BRANCH = "gate", "gate with a parent"


class Soaked(Struct):
    """What a soak came to. `held` has what each gate held after each round, the first being the warm-up."""

    behaved: dict[str, Behaved]
    held: dict[str, list[Held]]
    records: int
    reloads: int
    bytes: int
    differences: list[Difference]


async def soak(folder: Path, seconds: float, rounds: int) -> Soaked:
    """Soak for so long after a first round, and return what was found. Raises what a client raises."""
    origin = Origin()
    with refusing_port() as refusing:
        async with origin.serving():
            with open_doors(folder, origin.port, refusing.getsockname()[1]) as doors:
                traffic = Traffic(doors, kinds(doors))
                found = await _rounds(doors, traffic, seconds, rounds)
                scraped = {name: Series(get_page(gate, "/metrics").body) for name, gate in _gates(doors)}
                await asyncio.to_thread(doors.branch.stop)
                await asyncio.to_thread(doors.gate.stop)
    main, branch = Ended.read(doors.gate), Ended.read(doors.branch)
    differences = [
        *books.client_differences(kinds(doors), traffic.behaved, main, branch),
        *books.origin_differences(kinds(doors), origin.carried, main, branch),
        *books.metric_differences(_MAIN, scraped[_MAIN], main),
        *books.metric_differences(_BRANCH, scraped[_BRANCH], branch),
        *books.silent_differences(scraped[_MAIN], traffic.behaved),
        *books.ledger_differences(_MAIN, doors.gate, main),
        *books.ledger_differences(_BRANCH, doors.branch, branch),
        *(difference for name, looks in found.items() for difference in growth(name, looks)),
    ]
    return Soaked(
        dict(traffic.behaved),
        found,
        len(main.records) + len(branch.records),
        traffic.reloads,
        sum(each.sent + each.received for each in traffic.behaved.values()),
        differences,
    )


async def _rounds(doors: Doors, traffic: Traffic, seconds: float, rounds: int) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {_MAIN: [], _BRANCH: []}
    each = seconds / (rounds + 1)
    for number in range(rounds + 1):
        if number:
            await traffic.round(each)
        else:
            await asyncio.gather(traffic.round(each), *(type_command(doors.gate, command) for command in COMMANDS))
        for name, gate in _gates(doors):
            found[name].append(await asyncio.to_thread(settled, gate))
    return found


def _gates(doors: Doors) -> Iterator[tuple[str, Gate]]:
    yield _MAIN, doors.gate
    yield _BRANCH, doors.branch


def growth(name: str, looks: Sequence[Held]) -> Iterator[Difference]:
    """What a gate holds more of after the last round than after the first."""
    first, last = looks[0], looks[-1]
    for what, had, has in (("open", first.things, last.things), ("tasks", first.tasks, last.tasks)):
        more = has - had
        more.pop(PIPES, None)
        if more:
            yield Difference(f"{name}: {what}, after the first round and the last", dict(had), dict(has))
    second = looks[1]  # the first reloads and clients leave one of each kind in use
    for kind in sorted((last.objects - second.objects).keys() - REMEMBERED):
        yield Difference(
            f"{name}: {kind}, after the second round and the last", second.objects[kind], last.objects[kind]
        )
    if last.pipes > MOST_PIPES:
        yield Difference(f"{name}: ends of pipes, at most and after the last round", MOST_PIPES, last.pipes)
    if last.memory - first.memory > MOST_GROWTH:
        yield Difference(f"{name}: bytes of memory, after the first round and the last", first.memory, last.memory)
