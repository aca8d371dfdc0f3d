"""Which tests must run in the same process where `make test` uses several."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

_BUILD_HERE: Final = ("tests/host/", "tests/image/")


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # ships no types
    """Keeps a file's tests in one process, which share its fixtures, and all that build in this checkout in another."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "build" if file.startswith(_BUILD_HERE) else file
