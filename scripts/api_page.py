"""Bring the fields in docs/api.md up to date with the values of app/overview: `.venv/bin/python scripts/api_page.py`.

What a field means stands in the docstring of its class; the page repeats it behind `## Fields`.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from msgspec import Struct
from msgspec.structs import fields

from licensegate.app.admin import paths
from licensegate.app.overview.answer import Answer
from licensegate.app.overview.changes import ChangeList
from licensegate.app.overview.clients import ClientDetail, ClientList, EvidenceSheet
from licensegate.app.overview.overview import Overview
from licensegate.app.overview.refusals import RefusalList
from licensegate.app.overview.rules import RuleList
from licensegate.app.overview.targets import TargetList
from licensegate.app.overview.tunnels import TunnelList
from licensegate.records.change import Change
from licensegate.records.record import TunnelRecord

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
HEADING = "## Fields\n"

ANSWERS: dict[str, type[Answer]] = {
    paths.API_OVERVIEW: Overview,
    paths.API_TARGETS: TargetList,
    paths.API_CLIENTS: ClientList,
    paths.API_CLIENT: ClientDetail,
    paths.API_EVIDENCE: EvidenceSheet,
    paths.API_REFUSALS: RefusalList,
    paths.API_TUNNELS: TunnelList,
    paths.API_RULES: RuleList,
    paths.API_CHANGES: ChangeList,
}
"""What each path answers with."""


def rows_of(kind: type[Struct]) -> Iterator[type[Struct]]:
    """The classes of the values inside a value, each before those inside it. Those of logs have pages of their own."""
    for field in fields(kind):
        for inner in (field.type, *get_args(field.type)):
            if isinstance(inner, type) and issubclass(inner, Struct) and inner not in (TunnelRecord, Change):
                yield inner
                yield from rows_of(inner)


def text_of(kind: type[Struct]) -> str:
    """What a class and its fields mean."""
    text = inspect.cleandoc(kind.__doc__ or "")
    for python, json in (("None", "`null`"), ("True", "`true`"), ("False", "`false`")):
        text = re.sub(rf"\b{python}\b", json, text)
    return text


def page_fields() -> str:
    """The fields of every answer, then those of the values inside them, each once."""
    inside: dict[type[Struct], list[str]] = {}
    parts = [HEADING]
    for path, answer in ANSWERS.items():
        parts.append(f"### {path}\n\n{text_of(answer)}\n")
        for kind in rows_of(answer):
            inside.setdefault(kind, [])
            if path not in inside[kind]:
                inside[kind].append(path)
    for kind, where in inside.items():
        parts.append(f"### {kind.__name__}\n\nIn {', '.join(f'`{path}`' for path in where)}. {text_of(kind)}\n")
    return "\n".join(parts)


def page(old: str) -> str:
    """The page with its fields brought up to date."""
    return old.partition(HEADING)[0] + page_fields()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
