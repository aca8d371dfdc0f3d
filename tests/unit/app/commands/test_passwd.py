"""licensegate passwd: both files at once, atomically, modes kept, and never a password on the command line."""

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.app.commands import passwd
from licensegate.app.commands.passwd import NEW_MODE, PasswdError
from licensegate.proxy.auth.scheme import DIGESTS
from licensegate.proxy.auth.user_files import LoginFileError, read_users
from support.logins import PASSWORD, REALM, USER, htdigest_lines, write_user_files
from support.requirements import missing
from support.upstream import SECONDS

COMMAND = Path(sys.executable).with_name("licensegate")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files that are not there yet."""
    return [tmp_path / "users.htpasswd", tmp_path / "users.htdigest"]


@pytest.fixture
def existing(tmp_path: Path) -> list[Path]:
    """Two files with one user."""
    return list(write_user_files(tmp_path))


def knows(files: list[Path], user: str, password: str) -> list[bool]:
    """Whether the gate would let this user in, by each file and algorithm."""
    htpasswd, htdigest = files
    users = read_users(htpasswd, htdigest, REALM)
    stored, known = users.password_of(user)
    assert stored is not None
    digests = htdigest_lines(user, password).split()
    by_digest = [
        users.ha1_of(scheme, user) == (line.rpartition(":")[2], True)
        for scheme, line in zip(DIGESTS, digests, strict=True)
    ]
    return [known and stored.fits(password.encode()), *by_digest]


# What it does


def test_new_files_have_the_user_and_are_readable_by_the_group(files: list[Path]) -> None:
    report = passwd.add(files, "cucm", REALM, "Smart & licensed")

    assert report.good
    assert [line.partition("; ")[0] for line in report.text.splitlines()] == [f"{file}: cucm added" for file in files]
    assert "mode 640" in report.text
    assert knows(files, "cucm", "Smart & licensed") == [True] * 3
    assert files[0].read_text().startswith("cucm:$2y$10$")
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [NEW_MODE, NEW_MODE]


def test_a_new_password_replaces_the_old_one_and_others_stay(existing: list[Path]) -> None:
    passwd.add(existing, "cucm", REALM, "first")
    report = passwd.add(existing, "cucm", REALM, "second")

    assert report.text.splitlines() == [f"{file}: cucm changed" for file in existing]
    assert knows(existing, "cucm", "second") == [True] * 3
    assert knows(existing, "cucm", "first") == [False] * 3
    assert knows(existing, USER, PASSWORD) == [True] * 3


def test_a_user_who_is_in_one_file_only_is_added_to_the_other(files: list[Path]) -> None:
    passwd.add(files[:1], "cucm", REALM, "one")

    report = passwd.add(files, "cucm", REALM, "two")

    assert report.text.splitlines()[0] == f"{files[0]}: cucm changed"
    assert report.text.splitlines()[1].startswith(f"{files[1]}: cucm added")
    assert knows(files, "cucm", "two") == [True] * 3


def test_a_user_is_removed_from_both_files(existing: list[Path]) -> None:
    passwd.add(existing, "cucm", REALM, "x")

    report = passwd.remove(existing, USER, REALM)

    assert report.good
    assert report.text.splitlines() == [f"{file}: {USER} removed" for file in existing]
    assert USER not in existing[0].read_text() + existing[1].read_text()
    assert knows(existing, "cucm", "x") == [True] * 3


def test_removing_an_unknown_user_writes_nothing(existing: list[Path]) -> None:
    before = [file.stat().st_mtime_ns for file in existing]

    report = passwd.remove(existing, "nobody", REALM)

    assert not report.good
    assert [file.stat().st_mtime_ns for file in existing] == before


@pytest.mark.parametrize(
    ("user", "password", "good", "words"),
    [
        (USER, PASSWORD, True, "the password is right"),
        (USER, "x", False, "the password is wrong"),
        ("nobody", PASSWORD, False, "nobody not found"),
    ],
    ids=["right", "wrong", "unknown"],
)
def test_a_password_is_checked_against_both_files(
    existing: list[Path], user: str, password: str, good: bool, words: str
) -> None:
    report = passwd.check(existing, user, REALM, password)

    assert report.good is good
    assert report.text.splitlines() == [f"{file}: {words}" for file in existing]


def test_files_that_disagree_are_reported_separately(existing: list[Path]) -> None:
    passwd.add(existing[:1], USER, REALM, "new")

    report = passwd.check(existing, USER, REALM, "new")

    assert not report.good
    assert [line.rpartition(" ")[2] for line in report.text.splitlines()] == ["right", "wrong"]


def test_another_realm_is_another_user(existing: list[Path]) -> None:
    passwd.add(existing[1:], USER, "Licences", "other")

    assert passwd.check(existing[1:], USER, "Licences", "other").good
    assert passwd.check(existing[1:], USER, REALM, PASSWORD).good


# How it writes


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o660, 0o644])
def test_the_mode_of_a_file_is_kept(existing: list[Path], mode: int) -> None:
    for file in existing:
        file.chmod(mode)

    passwd.add(existing, "cucm", REALM, "x")

    assert [stat.S_IMODE(file.stat().st_mode) for file in existing] == [mode, mode]


def test_the_owner_of_a_file_is_kept(existing: list[Path]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(existing[0], 12345, 54321)

    passwd.add(existing, "cucm", REALM, "x")

    assert (existing[0].stat().st_uid, existing[0].stat().st_gid) == (12345, 54321)


def test_a_reader_sees_the_old_file_or_the_new_one(existing: list[Path]) -> None:
    with existing[0].open() as old:
        passwd.add(existing, "cucm", REALM, "x")
        assert "cucm:" not in old.read()
    assert "cucm:" in existing[0].read_text()


def test_a_link_stays_a_link(existing: list[Path], tmp_path: Path) -> None:
    link = tmp_path / "link.htpasswd"
    link.symlink_to(existing[0])

    passwd.add([link], "cucm", REALM, "x")

    assert link.is_symlink()
    assert "cucm:" in existing[0].read_text()


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_failed_write_keeps_the_old_files_and_leaves_no_others(
    existing: list[Path], monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    before = [file.read_text() for file in existing]

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(PasswdError, match="No space left on device"):
        passwd.add(existing, "cucm", REALM, "hush")

    assert [file.read_text() for file in existing] == before
    assert sorted(existing[0].parent.iterdir()) == sorted(existing)


# What it refuses


@pytest.mark.parametrize(
    ("user", "realm", "password", "words"),
    [
        ("", REALM, "x", "the user is empty"),
        ("a:b", REALM, "x", "contains a colon"),
        ("#a", REALM, "x", "begins with #"),
        ("a\nb", REALM, "x", "an unprintable character"),
        ("u" * 257, REALM, "x", "more than 256"),
        ("a", 'r"', "x", "a realm is plain letters"),
        ("a", "r:s", "x", "a realm is plain letters"),
        ("a", REALM, "", "the password is empty"),
        ("a", REALM, "hush\t", "cannot be typed"),
        ("a", REALM, "hush" * 19, "longer than 72 bytes"),
        ("a", REALM, "ä" * 37, "longer than 72 bytes"),
    ],
)
def test_a_user_that_could_not_log_in_is_not_added(
    existing: list[Path], user: str, realm: str, password: str, words: str
) -> None:
    with pytest.raises(PasswdError, match=words) as caught:
        passwd.add(existing, user, realm, password)

    assert "hush" not in str(caught.value)
    assert knows(existing, USER, PASSWORD) == [True] * 3


def test_file_kinds_are_recognised_or_refused(tmp_path: Path, existing: list[Path]) -> None:
    with pytest.raises(PasswdError, match="for Basic or for Digest"):
        passwd.add([tmp_path / "users"], "a", REALM, "x")
    with pytest.raises(PasswdError, match="two files of the same kind"):
        passwd.add([existing[0], tmp_path / "more.htpasswd"], "a", REALM, "x")
    with pytest.raises(PasswdError, match="No such file or directory"):
        passwd.remove([tmp_path / "users.htpasswd.gone"], "a", REALM)
    with pytest.raises(PasswdError, match="No such file or directory"):
        passwd.add([tmp_path / "gone" / "users.htpasswd"], "a", REALM, "x")


def test_a_file_that_the_gate_could_not_read_is_not_changed(existing: list[Path]) -> None:
    existing[0].write_text("cucm:plain\n")

    with pytest.raises(LoginFileError, match="line 1: the hash is neither"):
        passwd.add(existing, "a", REALM, "x")
    assert existing[0].read_text() == "cucm:plain\n"


FAULTY = {
    "a hash that is not taken": (0, f"{USER}:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"),
    "two lines": (0, f"{USER}:$apr1$0$W6ph5Mm5Pz8GgiULbPgzG3\n" * 2),
    "digits that are missing": (1, f"{USER}:{REALM}:0a4f113b\n"),
}


@pytest.mark.parametrize(("number", "lines"), FAULTY.values(), ids=FAULTY)
@pytest.mark.parametrize("action", ["add", "remove"])
def test_unreadable_line_of_the_user_is_replaced(existing: list[Path], number: int, lines: str, action: str) -> None:
    """It is what the error advises: give the user a new password."""
    passwd.add(existing, "cucm", REALM, "x")
    passwd.remove(existing, USER, REALM)
    existing[number].write_text(f"{lines}{existing[number].read_text()}")
    with pytest.raises(LoginFileError, match="line "):
        passwd.add(existing, "cucm", REALM, "y")

    if action == "add":
        passwd.add(existing, USER, REALM, PASSWORD)
        assert knows(existing, USER, PASSWORD) == [True] * 3
    else:
        passwd.remove(existing, USER, REALM)
    assert knows(existing, "cucm", "x") == [True] * 3


@pytest.mark.parametrize("action", [passwd.add, passwd.check])
def test_a_special_file_is_not_waited_for(tmp_path: Path, action: Callable[..., object]) -> None:
    pipe = tmp_path / "users.htpasswd"
    os.mkfifo(pipe)

    with pytest.raises(PasswdError, match="it is a named pipe, not a regular file"):
        action([pipe], "a", REALM, "x")


# The command


def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "passwd", *arguments], input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.mark.parametrize("source", ["stdin", "file"])
def test_a_password_is_read_from_the_given_source(files: list[Path], tmp_path: Path, source: str) -> None:
    (tmp_path / "password").write_text("Smart & licensed\nnot this\n")
    how = ["--stdin"] if source == "stdin" else ["--password-file", tmp_path / "password"]

    added = run(*files, "--add", "cucm", *how, stdin="Smart & licensed\n")
    right = run(*files, "--check", "cucm", *how, stdin="Smart & licensed")
    wrong = run(*files, "--check", "cucm", "--stdin", stdin="hush\n")
    removed = run(*files, "--remove", "cucm")
    again = run(*files, "--remove", "cucm")

    assert [done.returncode for done in (added, right, wrong, removed, again)] == [0, 0, 1, 0, 1]
    assert added.stderr == ""
    assert "Smart" not in added.stdout + added.stderr
    assert "hush" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize(
    ("how", "words"), [("--stdin", "standard input is closed"), ("", "no terminal to type a password at")]
)
def test_a_closed_standard_input_is_an_error(files: list[Path], how: str, words: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" passwd "$1" --add cucm {how} <&-', COMMAND, files[0]],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert words in done.stderr


def test_byte_order_mark_is_not_part_of_the_password(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfSmart\r\n")

    assert run(*files, "--add", "cucm", "--password-file", tmp_path / "password").returncode == 0
    assert knows(files, "cucm", "Smart") == [True] * 3


def at_a_terminal(files: list[Path], *typed: str, action: str = "--add") -> tuple[int, str]:
    """Run the command at a terminal and type this. Returns its exit status and the terminal's output."""
    try:
        child, terminal = pty.fork()
    except OSError:
        missing("a terminal", "mount devpts on /dev/pts")
    if child == 0:
        os.execv(COMMAND, [str(COMMAND), "passwd", *map(str, files), action, "cucm"])
    shown = b""
    waiting = list(typed)
    while True:
        try:
            data = os.read(terminal, 1024)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        shown += data
        if waiting and data.rstrip().endswith((b"Password:", b"Repeat password:")):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_a_password_is_typed_twice_and_not_shown(files: list[Path]) -> None:
    status, shown = at_a_terminal(files, "Smart & licensed", "Smart & licensed")

    assert status == 0
    assert "Smart" not in shown
    assert knows(files, "cucm", "Smart & licensed") == [True] * 3
    assert at_a_terminal(files, "Smart & licensed", action="--check")[0] == 0


def test_two_passwords_that_differ_change_nothing(files: list[Path]) -> None:
    status, shown = at_a_terminal(files, "one", "two")

    assert status == 2
    assert "the two passwords differ; nothing has been changed" in shown
    assert not files[0].exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["users.htpasswd"], "one of the arguments --add --check --remove is required"),
        (["users.htpasswd", "--add", "a", "--remove", "b"], "not allowed with argument"),
        (["users.htpasswd", "--add", "a"], "no terminal to type a password at; use --stdin or"),
        (["users.htpasswd", "--add", "a", "--password-file", "/gone"], "/gone: No such file or directory"),
        (["users.htpasswd", "--add", "a", "secret", "--stdin"], "unrecognized arguments"),
    ],
    ids=["no action", "two actions", "no terminal", "no password file", "a password on the command line"],
)
def test_passwd_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(*arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
