"""The bundle for a support engineer: a tar.gz of text files, without secrets, readable for its owner only.

The file appears whole or not at all: it is written beside its place and moved there at the end.
"""

import contextlib
import errno
import gzip
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from licensegate.app.settings import Settings
from licensegate.app.settings.secrecy import without_secrets

from .access_log import count_findings, recent_records
from .redaction import Redactor
from .report import DoctorReport, as_json, as_text
from .versions import versions

_FILE_MODE: Final = 0o600
_FOLDER: Final = "licensegate-doctor"
_ABOUT: Final = """\
What `licensegate doctor --bundle` collected for a support engineer.

doctor.txt, doctor.json  what was examined, and what to change
settings.json            every key of the settings; files with secrets by their path only
records.jsonl            {records}
findings.json            how often each finding, outcome and contact occurs in them
chains/                  the certificates that each target showed, in PEM
versions.json            the gate, Python, OpenSSL, the kernel, the packages
environment.txt          the names of the environment variables, without their values

Passwords, tokens, keys, logins in URLs and queries are left out. The addresses of clients, the names of users and the
names of hosts are in it: look through it before you send it.
"""


class BundleError(Exception):
    """The bundle cannot be written. `str()` is one line: which file, why, and what to do."""


class BundleFile:
    """A place for the bundle. A context manager: without `write`, nothing is left of it.

    Raises BundleError, at once if the file exists already, unless `replace`.
    """

    def __init__(self, path: Path, *, replace: bool) -> None:
        self._path = path
        self._replace = replace
        if not replace and os.path.lexists(path):
            raise self._exists()
        try:
            self._descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # its mode is 600
        except OSError as error:
            raise BundleError(f"{path}: {error.strerror}; name a file in a folder that you may write to") from None
        self._temporary = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def write(self, content: bytes) -> None:
        """Write everything and put the file in its place. Raises BundleError."""
        try:
            with open(self._descriptor, "wb", closefd=False) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._close()
            if self._replace:
                os.replace(self._temporary, self._path)
            else:
                os.link(self._temporary, self._path)  # unlike a rename, it replaces nothing
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            raise BundleError(f"{self._path}: {error.strerror}; nothing was written") from None

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -errno.EBADF

    def _exists(self) -> BundleError:
        return BundleError(f"{self._path} exists already; name another file, or add --force")


def pack(
    report: DoctorReport,
    settings: Settings,
    environ: Mapping[str, str],
    chains: Mapping[str, str],
    redactor: Redactor,
) -> bytes:
    """The content of the bundle. `chains` are certificates in PEM by target."""
    records, about_records = recent_records(settings)
    files = {
        "README.txt": _ABOUT.format(records=about_records),
        "doctor.txt": as_text(report),
        "doctor.json": as_json(report),
        "settings.json": _json(without_secrets(settings.written)),
        "records.jsonl": "".join(f"{msgspec.json.encode(record).decode()}\n" for record in records),
        "findings.json": _json(count_findings(records)),
        "versions.json": _json(versions()),
        "environment.txt": "".join(f"{name}\n" for name in sorted(environ)),
        **{f"chains/{_file_name(target)}.pem": chain for target, chain in chains.items() if chain},
    }
    return _tar_gz({name: redactor.clean(text) for name, text in files.items()})


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _file_name(target: str) -> str:
    return "".join(character if character.isalnum() or character in ".-" else "_" for character in target)


def _tar_gz(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for entry, content in _entries(files):
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _entries(files: Mapping[str, str]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Entries without the name or number of a user of this host."""
    for name, text in files.items():
        content = text.encode(errors="replace")
        entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
        entry.size, entry.mode, entry.mtime = len(content), _FILE_MODE, int(time.time())
        yield entry, content
