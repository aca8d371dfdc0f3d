"""docs/api.md: its examples have every field of the answers and no other, and its fields are those of the code."""

import json
import re
import runpy
from pathlib import Path

import msgspec
import pytest

from licensegate.app.admin.page_table import PAGES

SCRIPT = runpy.run_path(str(Path(__file__).parents[4] / "scripts" / "api_page.py"))
ANSWERS = SCRIPT["ANSWERS"]
TEXT = SCRIPT["PAGE"].read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^`(/api/\w+)`:\n\n```json\n(.+)\n```$", TEXT, re.MULTILINE))


def test_the_fields_on_the_page_are_up_to_date() -> None:
    assert SCRIPT["page"](TEXT) == TEXT, "run scripts/api_page.py"


def test_every_answer_is_in_the_table_and_has_an_example() -> None:
    answered = {row.path for row in PAGES if row.path.startswith("/api/")}

    assert answered == set(ANSWERS) == set(EXAMPLES)
    assert answered == set(re.findall(r"^\| `(/api/\w+)` \|", TEXT, re.MULTILINE))


@pytest.mark.parametrize("path", ANSWERS)
def test_an_example_has_the_fields_of_its_answer(path: str) -> None:
    answer = msgspec.json.decode(EXAMPLES[path], type=ANSWERS[path])

    assert json.loads(msgspec.json.encode(answer)) == json.loads(EXAMPLES[path])
