"""Writes the git revision into a wheel, for `--version` and the metrics. Everything else is in pyproject.toml."""

from pathlib import Path
from runpy import run_path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPy(build_py):
    """Copies the modules, then adds app/revision.txt. An editable install asks git when it runs."""

    def run(self) -> None:
        """Copy and add. Called in the project's root."""
        super().run()
        if self.editable_mode:
            return
        version = run_path("app/version.py")
        file = Path(self.build_lib, "licensegate", "app", version["REVISION_FILE"].name)
        file.unlink(missing_ok=True)  # from an earlier build
        if revision := version["checkout_revision"](Path.cwd()):
            file.write_text(f"{revision}\n", encoding="utf-8")


setup(cmdclass={"build_py": BuildPy})
