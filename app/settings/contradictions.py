"""Refuses values of the settings that exclude each other. Each function raises SettingsError."""

import os
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from licensegate.proxy.settings import ListenAddress

from .settings import Admin, Log, SettingsError
from .source import SettingsSource


def refuse_overlaps(addresses: Sequence[ListenAddress], source: SettingsSource) -> None:
    """Refuse a listener that has the address of an earlier one: it cannot be bound."""
    for number, address in enumerate(addresses, 1):
        for earlier, other in enumerate(addresses[: number - 1], 1):
            if _overlap(address, other):
                same = "the same as" if address.host == other.host else f"{address} cannot be bound beside {other},"
                raise SettingsError(f"{source.place('listen', number)}: {same} item {earlier}; remove one of them")


def refuse_shared_address(listen: Sequence[ListenAddress], admin: Admin, source: SettingsSource) -> None:
    """Refuse a listener on the address of the admin server: the error of the bind would blame another program."""
    for number, address in enumerate(listen, 1):
        if admin.listen and address.named and _overlap(address, admin.listen):
            place = source.place("listen", number, "address")
            raise SettingsError(
                f"{place}: {address} is also the address of admin.listen, {admin.listen}; change one of them"
            )


def _overlap(one: ListenAddress, other: ListenAddress) -> bool:
    """Whether the two addresses cannot be bound at the same time."""
    same_host = one.host == other.host or bool({one.host, other.host} & {"0.0.0.0", "::"})
    return same_host and (":" in one.host) == (":" in other.host) and one.port == other.port != 0


def refuse_logs_over(log: Log, read: Iterable[Path | None], source: SettingsSource) -> None:
    """Refuse a log in a file that the gate reads: its lines would spoil a key or the settings. Or in another log."""
    files = {os.path.realpath(path) for path in (source.file, *read) if path}
    for key, path in log.files.items():
        if os.path.realpath(path) in files:
            raise SettingsError(
                f"{source.place(key)}: {path} is a file that the gate reads; name another one for the log"
            )
    own: dict[str, str] = {}
    for key, path in log.files.items():
        other = own.setdefault(os.path.realpath(path), key)
        if other != key and path != os.devnull:
            raise SettingsError(f"{source.place(key)}: {path} is also the file of {other}; name another file")


def refuse_duplicates(values: Sequence[Hashable], source: SettingsSource, key: str) -> None:
    """Refuse a list in which a value comes twice."""
    first = {value: number for number, value in reversed(list(enumerate(values, 1)))}
    for number, value in enumerate(values, 1):
        if first[value] != number:
            raise SettingsError(f"{source.place(key, number)}: the same as item {first[value]}; remove one of them")
