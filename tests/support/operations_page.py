"""The commands in docs/operations.md, so that tests run what the page says."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def commands_under(heading: str) -> list[str]:
    """The blocks of shell commands below a heading, up to the next heading."""
    _, found, section = PAGE.read_text(encoding="utf-8").partition(f"# {heading}\n")
    assert found, f"{PAGE} has no heading {heading!r}"
    return re.findall(
        r"^```sh\n(.*?)^```$", re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0], re.DOTALL | re.MULTILINE
    )
