"""Files of users: what they may hold, the errors and notes about the rest, and that changes are noticed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.auth import digest_hash
from licensegate.proxy.auth.password_hash import Kind
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.auth.user_files import (
    LoginFileError,
    read_htdigest,
    read_htpasswd,
    read_nonce_key,
    read_users,
    watch_users,
)
from support.logins import PASSWORD, REALM, USER, htdigest_lines, htpasswd_line, write_user_files

MD5, SHA = "0" * 32, "f" * 64
SHA_512 = "$6$rounds=656000$saltstring$" + "a" * 86


def test_an_htpasswd_file_gives_each_user_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "users.htpasswd"
    file.write_text(f"# made by hand\n\n{htpasswd_line('jürgen')}apache:$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0\r\n")

    users = read_htpasswd(file)

    assert {user: stored.kind for user, stored in users.items()} == {"jürgen": Kind.BCRYPT, "apache": Kind.APR1}
    assert users["jürgen"].fits(PASSWORD.encode())


def test_an_htdigest_file_gives_each_user_a_hash_for_each_algorithm(tmp_path: Path) -> None:
    file = tmp_path / "users.htdigest"
    file.write_text(htdigest_lines() + f"other:{REALM}:{MD5.upper()}\n{USER}:another realm:{SHA}\n")

    lines = read_htdigest(file)

    assert [(line.user, line.realm, line.scheme) for line in lines] == [
        (USER, REALM, Scheme.DIGEST_MD5),
        (USER, REALM, Scheme.DIGEST_SHA_256),
        ("other", REALM, Scheme.DIGEST_MD5),
        (USER, "another realm", Scheme.DIGEST_SHA_256),
    ]
    assert lines[0].ha1 == digest_hash.ha1(Scheme.DIGEST_MD5, USER, REALM, PASSWORD)


def test_fields_that_other_programs_add_are_ignored(tmp_path: Path) -> None:
    """Such as nginx, which takes a comment after the hash."""
    htpasswd, htdigest = tmp_path / "users.htpasswd", tmp_path / "users.htdigest"
    htpasswd.write_text(f"{htpasswd_line().rstrip()}:the CUCM:10.1.2.3\n{htpasswd_line('other').rstrip()}:\n")
    htdigest.write_text(f"{USER}:{REALM}:{MD5}:the CUCM:\n")

    assert [stored.fits(PASSWORD.encode()) for stored in read_htpasswd(htpasswd).values()] == [True, True]
    assert [line.ha1 for line in read_htdigest(htdigest)] == [MD5]


BAD_PASSWD = {
    "no colon": (b"cucm\n", "line 1: a colon is missing"),
    "no user": (b"# users\n:$apr1$x\n", "line 2: the user is empty"),
    "a control character": (b"cu\tcm:x\n", "line 1: the user name begins with #, or contains a colon"),
    "not UTF-8": (b"ok:$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0\ncucm\xff:x\n", "line 2: not text in UTF-8"),
    "a plain password": (b"cucm:secret\n", "line 1: the hash is neither bcrypt nor SHA-crypt nor apr1"),
    "a user twice": (htpasswd_line("a").encode() + b"\n" + htpasswd_line("a").encode(), "line 3: a has two lines"),
    "no known hash, and a comment": (
        b"cucm:{SSHA}abc:the CUCM:10.1.2.3\n",
        "line 1: in field 2 of 4, the hash is neither bcrypt nor SHA-crypt nor apr1",
    ),
    "a line of an htdigest file": (
        f"cucm:r:{MD5}\n".encode(),
        "line 1: this line is of an htdigest file; name the file in auth.htdigest",
    ),
    "far too much": (b"#" * (1 << 20) + b"\n", "larger than such a file may be"),
}
BAD_DIGEST = {
    "one colon": (f"cucm:{MD5}\n".encode(), "line 1: a colon is missing"),
    "33 digits": (f"cucm:r:{MD5}0\n".encode(), "line 1: what follows the realm is neither 32 nor 64"),
    "no digits": (b"cucm:r:" + b"x" * 32 + b"\n", "line 1: what follows the realm is neither 32 nor 64"),
    "other digits": (f"cucm:r:{'٣' * 32}\n".encode(), "line 1: what follows the realm is neither 32 nor 64"),
    "no digits, and a comment": (b"cucm:r:x:the CUCM\n", "line 1: in field 3 of 4, what follows the realm is neither"),
    "a line twice": (f"a:r:{MD5}\na:r:{SHA}\na:r:{SHA}\n".encode(), "line 3: a has two lines"),
    "no user": (f":r:{MD5}\n".encode(), "line 1: the user is empty"),
}


@pytest.mark.parametrize(("content", "words"), BAD_PASSWD.values(), ids=BAD_PASSWD.keys())
def test_a_bad_htpasswd_file_is_refused_by_file_and_line(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "users.htpasswd"
    file.write_bytes(content)

    with pytest.raises(LoginFileError) as caught:
        read_htpasswd(file)

    assert str(caught.value).startswith(str(file))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "words"), BAD_DIGEST.values(), ids=BAD_DIGEST.keys())
def test_a_bad_htdigest_file_is_refused_by_file_and_line(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "users.htdigest"
    file.write_bytes(content)

    with pytest.raises(LoginFileError) as caught:
        read_htdigest(file)

    assert str(caught.value).startswith(str(file))
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoginFileError, match=r"none\.htpasswd: No such file or directory"):
        read_htpasswd(tmp_path / "none.htpasswd")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_of_users_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(content)

    for read in (read_htpasswd, read_htdigest):
        try:
            read(file)
        except LoginFileError as error:
            assert "\n" not in str(error)  # noqa: PT017  an error is not always raised


@pytest.mark.parametrize("content", [b"0123456789abcdef" * 4 + b"\n", bytes(range(128, 160))], ids=["hex", "bytes"])
def test_a_nonce_key_is_its_files_content_without_the_line_end(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "nonce.key"
    file.write_bytes(content)

    assert read_nonce_key(file).raw == content.removesuffix(b"\n")


def test_a_nonce_key_that_is_short_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "nonce.key"
    file.write_bytes(b"hush-hush\n")

    with pytest.raises(LoginFileError, match="holds 9 bytes, too few for a key") as caught:
        read_nonce_key(file)
    assert "hush" not in str(caught.value)


NOTES = {
    "complete": (htdigest_lines("a") + htdigest_lines("b"), [], (Scheme.DIGEST_MD5, Scheme.DIGEST_SHA_256)),
    "Apache's own": (
        f"a:{REALM}:{MD5}\nb:{REALM}:{MD5}\n",
        ["a and 1 more has no hash for digest-sha-256, so it is not offered: Java from release 18 on cannot log in"],
        (Scheme.DIGEST_MD5,),
    ),
    "one user lags": (
        htdigest_lines("a") + f"b:{REALM}:{MD5}\n",
        ["b has no hash for digest-sha-256"],
        (Scheme.DIGEST_MD5,),
    ),
    "nothing in common": (
        f"a:{REALM}:{MD5}\nb:{REALM}:{SHA}\n",
        ["b has no hash for digest-md5", "a has no hash for digest-sha-256"],
        (),
    ),
    "another realm": (f"a:squid:{MD5}\n", ["holds no user of the realm 'LicenseGate', but of 'squid'"], ()),
    "empty": ("", ["holds no user of the realm 'LicenseGate'; add one"], ()),
}


@pytest.mark.parametrize(("content", "notes", "offered"), NOTES.values(), ids=NOTES.keys())
def test_a_note_names_an_algorithm_that_a_user_has_no_hash_for(
    tmp_path: Path, content: str, notes: list[str], offered: tuple[Scheme, ...]
) -> None:
    file = tmp_path / "users.htdigest"
    file.write_text(content)

    users = read_users(None, file, REALM)

    assert users.digests == offered
    assert len(users.notes) == len(notes)
    for note, words in zip(users.notes, notes, strict=True):
        assert note.startswith(f"{file}: ")
        assert words in note


def test_setting_passwords_for_another_realm_shows_how(tmp_path: Path) -> None:
    file = tmp_path / "users.htdigest"
    file.write_text(htdigest_lines())

    (note,) = read_users(None, file, "Voice & licences").notes

    assert note.endswith("; add one with `licensegate passwd --realm 'Voice & licences'`")


def test_notes_name_slow_hashes_and_a_file_without_users(tmp_path: Path) -> None:
    file = tmp_path / "users.htpasswd"
    file.write_text(f"{htpasswd_line('quick')}slow:{SHA_512}\n")
    slow = read_users(file, None, REALM)
    file.write_text("")
    nobody = read_users(file, None, REALM)

    assert slow.notes == (f"{file}: the password of slow takes about 0.7 s to check (SHA-512-crypt)",)
    assert nobody.notes == (f"{file}: holds no user; add one with `licensegate passwd`",)


def test_md5_is_not_offered_where_it_is_unusable_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, htdigest = write_user_files(tmp_path)
    monkeypatch.setattr("licensegate.proxy.auth.digest_hash.md5_works", lambda: False)

    users = read_users(None, htdigest, REALM)

    assert users.digests == (Scheme.DIGEST_SHA_256,)
    assert users.notes == (f"{htdigest}: this system does not allow MD5, so digest-md5 is not offered",)


def test_a_change_is_noticed_and_a_bad_file_leaves_the_old_users_in_place(tmp_path: Path) -> None:
    htpasswd, htdigest = write_user_files(tmp_path)
    watch = watch_users(htpasswd, htdigest, REALM)
    assert not watch.look()

    htpasswd.write_text(htpasswd_line("new") + htpasswd_line("newer"))
    assert watch.look()
    assert watch.value.with_password == 2

    htpasswd.write_text("broken\n")
    with pytest.raises(LoginFileError, match="line 1"):
        watch.look()
    assert watch.value.with_password == 2
    assert not watch.look(), "said once"

    replacement = tmp_path / "replacement"
    replacement.write_text(htpasswd_line("again"))
    os.replace(replacement, htpasswd)
    assert watch.look()
    assert watch.value.password_of("again")[1]


def test_users_show_how_many_they_are_and_nothing_else(tmp_path: Path) -> None:
    users = read_users(*write_user_files(tmp_path, ("a", "x"), ("b", "y")), REALM)

    assert repr(users) == "Users(2 by password, 2 by Digest)"
    assert MD5[:8] not in repr(read_htdigest(tmp_path / "users.htdigest"))
