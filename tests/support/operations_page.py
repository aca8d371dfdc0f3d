"""The commands in docs/operations.md and docs/fleet.md, so that tests run what the pages say."""

import re
from pathlib import Path

_DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = _DOCS / "operations.md"
FLEET = _DOCS / "fleet.md"


def commands_under(heading: str, page: Path = PAGE) -> list[str]:
    """The blocks of shell commands below a heading, up to the next heading."""
    _, found, section = page.read_text(encoding="utf-8").partition(f"# {heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return re.findall(
        r"^```sh\n(.*?)^```$", re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0], re.DOTALL | re.MULTILINE
    )
