"""The pages that promise something name tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\((\.\./tests/[a-z_/]+\.py)\): ((?:`test_\w+`(?:, )?)+)")


@pytest.mark.parametrize("page", ["security", "reliability"])
def test_each_promise_names_tests_that_exist(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if "../tests/" in line]
    assert len(rows) > 10
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for file, names in named:
            code = (ROOT / "docs" / file).resolve().read_text(encoding="utf-8")
            for name in re.findall(r"test_\w+", names):
                assert re.search(rf"^(async )?def {name}\(", code, re.MULTILINE), f"{file} has no {name}"
