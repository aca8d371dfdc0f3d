"""An unknown user costs as much time as a known one."""

from collections import Counter

import pytest

from licensegate.proxy.auth.digest_hash import ALGORITHMS
from licensegate.proxy.auth.password_hash import Kind, read_hash
from licensegate.proxy.auth.scheme import DIGESTS, Scheme
from licensegate.proxy.auth.users import UserChanges, Users

BCRYPT = read_hash("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
APR1 = read_hash("$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0")


def test_a_known_user_has_its_own_hash() -> None:
    users = Users({"a": BCRYPT, "b": APR1}, {Scheme.DIGEST_MD5: {"a": "0" * 32}})

    assert users.password_of("b") == (APR1, True)
    assert users.ha1_of(Scheme.DIGEST_MD5, "a") == ("0" * 32, True)
    assert users.ha1_of(Scheme.DIGEST_SHA_256, "a")[1] is False


def test_unknown_users_get_hash_kinds_as_often_as_known_users_have_them() -> None:
    users = Users({**{f"a{number}": BCRYPT for number in range(3)}, "b": APR1}, {})
    kinds: Counter[str] = Counter()
    for number in range(400):
        stored, known = users.password_of(f"stranger-{number}")
        again, _ = users.password_of(f"stranger-{number}")
        assert stored is not None
        assert again is not None
        assert not known
        assert stored.kind is again.kind
        kinds[stored.kind] += 1

    assert kinds.keys() == {Kind.BCRYPT, Kind.APR1}
    assert 200 < kinds[Kind.BCRYPT] < 380


def test_the_hash_of_an_unknown_user_fits_nothing() -> None:
    stored, _ = Users({"a": BCRYPT}, {}).password_of("stranger")

    assert stored is not None
    assert not stored.fits(b"U*U"), "somebody else's password"


def test_without_any_user_there_is_no_hash_to_check_against() -> None:
    assert Users({}, {}).password_of("stranger") == (None, False)


@pytest.mark.parametrize("scheme", DIGESTS)
def test_an_unknown_user_gets_a_random_ha1(scheme: Scheme) -> None:
    one, two = Users({}, {}), Users({}, {})

    secret, known = one.ha1_of(scheme, "stranger")

    assert not known
    assert len(secret) == ALGORITHMS[scheme].hex_digits
    assert one.ha1_of(scheme, "another") == (secret, False)
    assert two.ha1_of(scheme, "stranger") != (secret, False)


def test_changes_are_named_by_user_in_either_file() -> None:
    md5, sha = Scheme.DIGEST_MD5, Scheme.DIGEST_SHA_256
    before = Users({"ann": BCRYPT, "bob": APR1}, {md5: {"ann": "0" * 32, "cid": "0" * 32}})
    after = Users({"ann": BCRYPT, "dan": APR1}, {md5: {"ann": "1" * 32}, sha: {"cid": "0" * 64}})

    assert after.changes_since(before) == UserChanges(added=("dan",), removed=("bob",), changed=("ann", "cid"))
    assert after.changes_since(after) == UserChanges()
    assert after.names == ["ann", "cid", "dan"]
