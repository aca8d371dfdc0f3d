"""Take the pictures of the pages in docs/pictures/, from a gate with a past: `make pictures`.

Needs what the tests of the pages need, and pngquant, which makes the pictures small.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.authority import Authority  # noqa: E402
from support.browser import Way, open_browser, visiting  # noqa: E402
from support.past import TOKEN, gate_with_past  # noqa: E402
from support.requirements import require_command  # noqa: E402
from support.standin import StandIn  # noqa: E402

FOLDER: Final = ROOT / "docs" / "pictures"
COLOURS: Final = "64"
PICTURES: Final = (
    ("overview", Way("en", "light", "desktop"), 1470),
    ("overview-phone", Way("en", "light", "phone"), 780),
    ("overview-phone-ja", Way("ja", "dark", "phone"), 780),
    ("client", Way("en", "dark", "desktop"), 1010),
    ("evidence", Way("ja", "light", "desktop"), 1010),
)
"""Each picture: its name, which begins with that of its page, how to look, and its height in pixels."""


def main() -> int:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    pngquant = require_command("pngquant", "pngquant")
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        with (
            StandIn(authority) as standin,
            gate_with_past(Path(folder), authority, standin, crowd=False) as past,
            open_browser() as browser,
        ):
            for name, way, height in PICTURES:
                with visiting(browser, past.origin, way, token=TOKEN) as visit:
                    visit.page.goto(past.pages[name.partition("-")[0]])
                    file = FOLDER / f"{name}.png"
                    visit.page.set_viewport_size({"width": visit.page.evaluate("innerWidth"), "height": height})
                    visit.page.screenshot(path=file)
                    subprocess.run([pngquant, "--force", "--strip", "--output", file, COLOURS, file], check=True)  # noqa: S603
    print("".join(f"{file.stat().st_size:7} {file.name}\n" for file in sorted(FOLDER.glob("*.png"))), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
