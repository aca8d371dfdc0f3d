"""`licensegate passwd`: adds, checks or removes a user in one or both files of users.

The password is typed, or read from standard input or a file, but never from the command line, which every user of the
machine can see. It is never printed.
"""

import argparse
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.app.terminal import complain, say
from licensegate.files.read import read_whole
from licensegate.proxy.auth.digest_hash import ha1
from licensegate.proxy.auth.password_hash import LONGEST_PASSWORD
from licensegate.proxy.auth.user_files import (
    USER_FILE_BYTES,
    LoginFileError,
    read_htdigest,
    read_htpasswd,
    realm_fault,
    user_fault,
)

from .user_lines import FileKind, holds, is_line_of, kind_of, lines_for, with_lines

NOTES: Final = """\
  The password is typed at the terminal unless --stdin or --password-file is given; it cannot be on the command line.
  The first line of a file tells whether it is for Basic or Digest; for an empty file, its name does. Name both files
  to change both.

    licensegate passwd users.htpasswd users.htdigest --add cucm-pub

exit status:
  0  done, or the password is right
  1  --check: the password is wrong, or a file lacks the user; --remove: no file has the user
  2  the command line, the password or a file cannot be used
"""

NEW_MODE: Final = 0o640
"""The mode of a new file: readable only for its owner and its group, which the gate should be in."""


class PasswdError(Exception):
    """The command cannot be carried out. `str()` is one line: why, and what to do. It contains no password."""


class Report(Struct, frozen=True):
    """The text to print; `good` is false for a wrong password or an unknown user."""

    good: bool
    text: str


class _UserFile(Struct, frozen=True):
    path: Path
    kind: FileKind
    content: str
    is_new: bool


def add(files: Sequence[Path], user: str, realm: str, password: str) -> Report:
    """Add the user, or change its password. Raises PasswdError and LoginFileError."""
    _check(user, realm)
    _check_password(password)
    with _locked(files):
        found = _read(files, may_be_new=True)
        said = []
        changed = []
        for file in found:
            _refuse_unreadable(file, user, realm)
            verb = "changed" if holds(file.kind, file.content, user, realm) else "added"
            lines = lines_for(file.kind, user, realm, password)
            changed.append((file, with_lines(file.kind, file.content, user, realm, lines)))
            made = f"; the file is new: let the gate's group read it (mode {NEW_MODE:o})" if file.is_new else ""
            said.append(f"{file.path}: {user} {verb}{made}")
        _replace(changed)
    return Report(True, "\n".join(said))


def remove(files: Sequence[Path], user: str, realm: str) -> Report:
    """Remove the user. Raises PasswdError and LoginFileError."""
    _check(user, realm)
    with _locked(files):
        found = []
        for file in _read(files):
            _refuse_unreadable(file, user, realm)
            found.append((file, holds(file.kind, file.content, user, realm)))
        _replace([(file, with_lines(file.kind, file.content, user, realm, [])) for file, known in found if known])
    said = [f"{file.path}: {user} {'removed' if known else 'not found'}" for file, known in found]
    return Report(any(known for _, known in found), "\n".join(said))


def check(files: Sequence[Path], user: str, realm: str, password: str) -> Report:
    """Check that this is the user's password in every file. Raises PasswdError and LoginFileError."""
    _check(user, realm)
    results = [(file, _fits(file, user, realm, password)) for file in _read(files)]
    words = {True: "the password is right", False: "the password is wrong", None: f"{user} not found"}
    return Report(all(fits for _, fits in results), "\n".join(f"{file.path}: {words[fits]}" for file, fits in results))


def _fits(file: _UserFile, user: str, realm: str, password: str) -> bool | None:
    if file.kind is FileKind.HTPASSWD:
        stored = read_htpasswd(file.path).get(user)
        return None if stored is None else stored.fits(password.encode())
    lines = [line for line in read_htdigest(file.path) if (line.user, line.realm) == (user, realm)]
    return all(line.ha1 == ha1(line.scheme, user, realm, password) for line in lines) if lines else None


def _check(user: str, realm: str) -> None:
    if fault := user_fault(user) or realm_fault(realm):
        raise PasswdError(fault)


def _check_password(password: str) -> None:
    if not password:
        raise PasswdError("the password is empty; choose another one")
    if not password.isprintable():
        raise PasswdError("the password contains a character that cannot be typed; choose another one")
    if len(password.encode()) > LONGEST_PASSWORD:
        raise PasswdError(
            f"the password is longer than {LONGEST_PASSWORD} bytes, and bcrypt reads no more; choose a shorter one"
        )


def _read(files: Sequence[Path], *, may_be_new: bool = False) -> list[_UserFile]:
    found: list[_UserFile] = []
    for path in files:
        is_new = may_be_new and not path.exists()
        content = "" if is_new else _content(path)
        kind = kind_of(path, content)
        if kind is None:
            raise PasswdError(f"{path}: for Basic or for Digest? give it a name like users.htpasswd or users.htdigest")
        if any(file.kind is kind for file in found):
            raise PasswdError(f"{path}: two files of the same kind; name one {FileKind.HTPASSWD} and one htdigest")
        found.append(_UserFile(path, kind, content, is_new))
    return found


def _refuse_unreadable(file: _UserFile, user: str, realm: str) -> None:
    """Raise LoginFileError for a line that the gate cannot read, unless it is the user's, which will be replaced."""
    if file.is_new:
        return
    try:
        _ = read_htpasswd(file.path) if file.kind is FileKind.HTPASSWD else read_htdigest(file.path)
    except LoginFileError as error:
        if not is_line_of(file.kind, file.content, error.line, user, realm):
            raise


def _content(path: Path) -> str:
    try:
        return read_whole(path, USER_FILE_BYTES).decode()
    except OSError as error:
        raise PasswdError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PasswdError(f"{path}: not text in UTF-8; save the file as UTF-8") from None


@contextlib.contextmanager
def _locked(files: Sequence[Path]) -> Iterator[None]:
    """Hold a lock against other runs of this command on the same files."""
    with contextlib.ExitStack() as stack:
        for folder in sorted({os.path.dirname(os.path.realpath(path)) for path in files}):
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                raise PasswdError(f"{folder}: {error.strerror}") from None
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _replace(changed: Sequence[tuple[_UserFile, str]]) -> None:
    """Write all new files beside the old ones, then rename each: a reader sees the old file or the new one."""
    with contextlib.ExitStack() as stack:
        written = []
        for file, content in changed:
            place = Path(os.path.realpath(file.path))  # keeps a symbolic link
            try:
                beside = _write_beside(place, content)
                stack.callback(beside.unlink, missing_ok=True)
                written.append((beside, place))
            except OSError as error:
                raise PasswdError(f"{place}: cannot be written: {error.strerror}; nothing has been changed") from None
        for beside, place in written:
            try:
                os.replace(beside, place)
            except OSError as error:
                raise PasswdError(f"{place}: cannot be replaced: {error.strerror}") from None


def _write_beside(place: Path, content: str) -> Path:
    """Write a new file with the mode and owner of the old one, and return its path. Raises OSError."""
    old = place.stat() if place.exists() else None
    descriptor, beside = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with open(descriptor, "wb") as file:
            if old is not None and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, NEW_MODE if old is None else old.st_mode & 0o7777)
            file.write(content.encode())
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        os.unlink(beside)
        raise
    return Path(beside)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("file", metavar="FILE", type=Path, nargs="+", help="an htpasswd or htdigest file, or both")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--add", metavar="USER", help="add this user, or change the password")
    action.add_argument("--check", metavar="USER", help="check the password of this user")
    action.add_argument("--remove", metavar="USER", help="remove this user")
    parser.add_argument("--realm", default="LicenseGate", help="the auth.realm of the settings; default: LicenseGate")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--stdin", action="store_true", help="read the password from the first line of standard input")
    source.add_argument(
        "--password-file", metavar="FILE", type=Path, help="read the password from the first line of a file"
    )


def run(arguments: argparse.Namespace) -> int:
    """Add, check or remove a user."""
    from .password_input import PasswordInputError, read_password

    files, realm = arguments.file, arguments.realm
    try:
        if arguments.remove is not None:
            report = remove(files, arguments.remove, realm)
        else:
            password = read_password(stdin=arguments.stdin, file=arguments.password_file, twice=arguments.check is None)
            if arguments.check is not None:
                report = check(files, arguments.check, realm, password)
            else:
                report = add(files, arguments.add, realm, password)
    except (LoginFileError, PasswdError, PasswordInputError) as error:
        return complain(str(error))
    say(report.text)
    return 0 if report.good else 1
