"""Adding, changing and removing a user leaves the rest of the file as it was."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.commands.user_lines import FileKind, holds, kind_of, lines_for, with_lines
from support.logins import REALM, htdigest_lines

HTPASSWD, HTDIGEST = FileKind.HTPASSWD, FileKind.HTDIGEST
BEFORE = "# ours\n\na:1\nbb:2\nc:3\n"
DIGEST = "a:r:1\na:other:2\na:r:3\nb:r:4\n"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("users.htpasswd", "", HTPASSWD),
        ("users.htdigest", "# nobody yet\n", HTDIGEST),
        ("users", "a:$2y$05$x\n", HTPASSWD),
        ("users", "# two colons: here\n\na:r:0\n", HTDIGEST),
        ("users.htdigest", "a:$2y$05$x\n", HTPASSWD),
        ("PASSWD.digest", "", HTDIGEST),
        ("users", "", None),
    ],
)
def test_the_kind_of_a_user_file_comes_from_its_content_then_its_name(
    name: str, content: str, kind: FileKind | None
) -> None:
    assert kind_of(Path("/passwd-folder") / name, content) is kind


@pytest.mark.parametrize(
    ("kind", "content", "user", "lines", "after"),
    [
        pytest.param(HTPASSWD, BEFORE, "d", ["d:4"], BEFORE + "d:4\n", id="one more"),
        pytest.param(HTPASSWD, BEFORE, "bb", ["bb:9"], BEFORE.replace("bb:2", "bb:9"), id="another password"),
        pytest.param(HTPASSWD, BEFORE, "bb", [], BEFORE.replace("bb:2\n", ""), id="one less"),
        pytest.param(HTPASSWD, "a:1:of: CUCM\n", "a", ["a:9"], "a:9:of: CUCM\n", id="comment"),
        pytest.param(HTPASSWD, "a:1:\n", "a", ["a:9"], "a:9:\n", id="empty comment"),
        pytest.param(HTDIGEST, "a:r:1:x\na:r:2\n", "a", ["a:r:8", "a:r:9"], "a:r:8:x\na:r:9:x\n", id="comment, Digest"),
        pytest.param(HTPASSWD, BEFORE, "b", [], BEFORE, id="no such user"),
        pytest.param(HTPASSWD, "", "a", ["a:1"], "a:1\n", id="the first"),
        pytest.param(HTPASSWD, "a:1", "b", ["b:2"], "a:1\nb:2\n", id="behind a line without an end"),
        pytest.param(HTPASSWD, "a:1\r\n", "b", ["b:2"], "a:1\r\nb:2\r\n", id="as Windows ends lines"),
        pytest.param(HTPASSWD, "#a:0\na:1\n", "a", [], "#a:0\n", id="a comment"),
        pytest.param(HTDIGEST, DIGEST, "a", ["a:r:7", "a:r:8"], "a:r:7\na:r:8\na:other:2\nb:r:4\n", id="two lines"),
        pytest.param(HTDIGEST, DIGEST, "a", [], "a:other:2\nb:r:4\n", id="out of one realm"),
        pytest.param(HTDIGEST, DIGEST, "c", ["c:r:9"], DIGEST + "c:r:9\n", id="one more in the realm"),
    ],
)
def test_the_users_lines_change_and_no_others(
    kind: FileKind, content: str, user: str, lines: list[str], after: str
) -> None:
    assert with_lines(kind, content, user, "r", lines) == after
    assert holds(kind, after, user, "r") is bool(lines)


def test_digest_gets_one_standard_hash_line_per_algorithm() -> None:
    assert lines_for(HTDIGEST, "cucm", REALM, "pä:ss") == htdigest_lines("cucm", "pä:ss").splitlines()


def test_where_md5_cannot_be_used_there_is_no_line_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("licensegate.proxy.auth.digest_hash.md5_works", lambda: False)

    assert lines_for(HTDIGEST, "cucm", REALM, "x") == htdigest_lines("cucm", "x").splitlines()[1:]


_user = st.text("abcä ", min_size=1, max_size=4)


@given(st.lists(_user, unique=True, max_size=8), _user)
def test_adding_and_removing_a_user_restores_the_file(users: list[str], user: str) -> None:
    content = "".join(f"{name}:x\n" for name in users if name != user)

    added = with_lines(HTPASSWD, content, user, "", [f"{user}:y"])

    assert holds(HTPASSWD, added, user, "")
    assert with_lines(HTPASSWD, added, user, "", []) == content
