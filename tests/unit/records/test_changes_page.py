"""docs/changes.md: it describes every key and no other, and its example is a change."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import fields

from licensegate.records.change import Change, ChangeKind, encoded
from licensegate.records.requester import Requester
from licensegate.records.setting_change import CERTIFICATE, CLIENT_AUTHORITIES, USERS, SettingChange

PAGE = (Path(__file__).parents[3] / "docs" / "changes.md").read_text(encoding="utf-8")


def described(heading: str) -> list[str]:
    """The names in the first column of the table with this heading, in their order."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("key | value", Change), ("key of `by` | value", Requester), ("key of `settings` | value", SettingChange)],
)
def test_every_key_is_described_and_no_other(heading: str, kind: type[Struct]) -> None:
    assert sorted(described(heading)) == sorted(field.name for field in fields(kind))


def test_every_kind_is_described() -> None:
    assert sorted(described("`kind` | what")) == sorted(ChangeKind)


def test_what_is_no_setting_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in (USERS, CERTIFICATE, CLIENT_AUTHORITIES))


def test_the_example_is_a_change() -> None:
    (example,) = re.findall(r"```json\n(.+)\n```", PAGE)

    assert json.loads(encoded(msgspec.json.decode(example, type=Change))) == json.loads(example)
