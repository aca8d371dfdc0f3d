"""The pages that promise something name tests that exist."""

import re
from pathlib import Path

import pytest

from licensegate.app.settings.schema import LimitsTable

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\((\.\./tests/[a-z_/]+\.py)\): ((?:`test_\w+`(?:, )?)+)")


@pytest.mark.parametrize("limit", LimitsTable.__struct_fields__)
def test_each_limit_is_met_by_clients_of_a_real_gate(limit: str) -> None:
    files = [*ROOT.glob("tests/faults/*.py"), *ROOT.glob("tests/security/*.py")]
    assert any(re.search(rf"\b{limit}\b", file.read_text(encoding="utf-8")) for file in files)


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
