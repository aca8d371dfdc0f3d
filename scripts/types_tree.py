"""Link the project's folders into build/types under their installed names, for mypy.

mypy cannot follow an editable install. Folders and names are those of pyproject.toml.
"""

import shutil
import tomllib
from pathlib import Path

root = Path(__file__).resolve().parents[1]
tree = root / "build" / "types"

shutil.rmtree(tree, ignore_errors=True)
settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
for package, folder in settings["tool"]["setuptools"]["package-dir"].items():
    link = tree.joinpath(*package.split("."))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(root / folder)
