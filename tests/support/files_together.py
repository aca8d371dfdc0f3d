"""Which tests must run in the same process where `make test` uses several."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

_FOLDERS: Final = {
    "tests/browser/": "browser",  # they share a browser and a gate
    "tests/diagnosis/": "matrix",  # each file starts more programs at a time than a small machine can carry twice
    "tests/host/": "build",  # both build in this checkout
    "tests/image/": "build",
}


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # ships no types
    """Keeps a file's tests in one process, which share its fixtures, and the files of some folders, too."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((name for folder, name in _FOLDERS.items() if file.startswith(folder)), file)
