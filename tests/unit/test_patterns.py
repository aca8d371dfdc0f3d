"""Patterns that read untrusted bytes mean the same to every Python from 3.11 on."""

import importlib
import pkgutil
import re
from typing import Any

import pytest

import licensegate.allowlist
import licensegate.licensing
import licensegate.licensing.forms
import licensegate.licensing.text
import licensegate.proxy.auth
import licensegate.proxy.parent.protocol
import licensegate.proxy.wire
import licensegate.records

ROOMS = (
    licensegate.allowlist,
    licensegate.licensing,
    licensegate.licensing.forms,
    licensegate.licensing.text,
    licensegate.proxy.auth,
    licensegate.proxy.parent.protocol,
    licensegate.proxy.wire,
    licensegate.records,
)
PARSER: Any = importlib.import_module("re._parser")


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every compiled pattern of these rooms, by module and name."""
    found = {}
    for room in ROOMS:
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    found[f"{module.name.removeprefix('licensegate.')}.{name}"] = value
    return found


PATTERNS = patterns()


def is_read_otherwise(pattern: re.Pattern[Any]) -> bool:
    """Whether CPython before 3.11.5 may misplace a group's end: at a possessive quantifier or an atomic group."""
    parsed = repr(PARSER.parse(pattern.pattern, pattern.flags))
    return "POSSESSIVE_REPEAT" in parsed or "ATOMIC_GROUP" in parsed


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_pattern_has_no_possessive_quantifier_and_no_atomic_group(pattern: re.Pattern[Any]) -> None:
    assert not is_read_otherwise(pattern)


def test_the_check_sees_what_it_forbids() -> None:
    assert all(is_read_otherwise(re.compile(pattern)) for pattern in (r"(a*+)", r"((?>a|b)c)", r"(?:(?:a){2}+)"))
    assert "proxy.wire.http1._head" in PATTERNS
