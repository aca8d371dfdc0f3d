"""Every target by its name, a module per kind of peer."""

import importlib
from collections.abc import Iterator

from ..target import FuzzTarget

MODULES = ("clients", "connections", "tls", "logins", "parents", "products", "operators", "records", "local")


def targets_of(module: str) -> tuple[FuzzTarget, ...]:
    """The targets in one module of this folder."""
    found: tuple[FuzzTarget, ...] = importlib.import_module(f"{__name__}.{module}").TARGETS
    return found


def all_targets() -> Iterator[tuple[str, FuzzTarget]]:
    """Each target, and the module that it is in."""
    return ((module, target) for module in MODULES for target in targets_of(module))
