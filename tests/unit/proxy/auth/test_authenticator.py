"""Which logins are accepted, and the challenges and reasons for all others."""

import pytest

from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.proxy.auth.password_hash import read_hash
from licensegate.proxy.auth.result import Admitted, Rejected
from licensegate.proxy.auth.scheme import BY_CHALLENGE, DIGESTS, Scheme
from licensegate.proxy.auth.users import Users
from licensegate.records.record import LoginResult
from support.authenticator_setup import CUCM, EVERY_SCHEME, HA1, KEY, TRUSTED, Setup, rejection
from support.logins import REALM, USER, basic, digest, htpasswd_line, parameters

CERTIFICATE = ("cucm-pub", "cucm-pub.example.net")


# Who passes


def test_challenges_come_in_the_order_that_java_and_curl_need() -> None:
    asked = rejection(Setup().authenticate())

    assert asked.result is LoginResult.MISSING
    md5, sha, plain = asked.challenges
    assert (parameters(md5)["algorithm"], parameters(sha)["algorithm"]) == ("MD5", "SHA-256")
    assert plain == 'Basic realm="LicenseGate", charset="UTF-8"'
    assert "stale" not in md5 + sha


@pytest.mark.parametrize(
    ("schemes", "listener", "offered"),
    [
        (EVERY_SCHEME, None, ["MD5", "SHA-256", "Basic"]),
        (frozenset(DIGESTS), None, ["MD5", "SHA-256"]),
        (frozenset({Scheme.DIGEST_SHA_256, Scheme.BASIC}), None, ["SHA-256", "Basic"]),
        (EVERY_SCHEME, frozenset({Scheme.BASIC}), ["Basic"]),
        (EVERY_SCHEME, frozenset({Scheme.CERTIFICATE}), []),
        (frozenset({Scheme.BASIC}), EVERY_SCHEME, ["MD5", "SHA-256", "Basic"]),
    ],
)
def test_a_listener_may_override_the_schemes_of_the_settings(
    schemes: frozenset[Scheme], listener: frozenset[Scheme] | None, offered: list[str]
) -> None:
    assert list(Setup(schemes=schemes).challenges(listener=listener)) == offered


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_basic_is_accepted_without_a_challenge(encoding: str) -> None:
    password = "pä & ß"
    stored = read_hash(htpasswd_line(password=password).rstrip().partition(":")[2])
    setup = Setup(users=Users({"jürgen": stored}, {}))

    assert setup.authenticate(basic("jürgen", password, encoding)) == Admitted(Identity("jürgen"), Scheme.BASIC)


@pytest.mark.parametrize(
    ("required", "client", "certificate", "admitted"),
    [
        pytest.param(False, CUCM, (), Admitted(NOBODY), id="none required"),
        pytest.param(True, TRUSTED, (), Admitted(NOBODY), id="a trusted network"),
        pytest.param(True, f"::ffff:{TRUSTED}", (), Admitted(NOBODY), id="a trusted network, mapped"),
        pytest.param(
            True, CUCM, CERTIFICATE, Admitted(Identity("", CERTIFICATE), Scheme.CERTIFICATE), id="a certificate"
        ),
    ],
)
def test_a_client_that_needs_no_password_is_admitted_without_one(
    required: bool, client: str, certificate: tuple[str, ...], admitted: Admitted
) -> None:
    assert Setup(required=required).authenticate(client=client, certificate=certificate) == admitted


def test_a_certificate_does_not_count_where_its_scheme_is_not_enabled() -> None:
    setup = Setup()

    asked = rejection(setup.authenticate(certificate=CERTIFICATE, listener=frozenset({Scheme.BASIC})))

    assert [text.partition(" ")[0] for text in asked.challenges] == ["Basic"]


def test_there_is_no_challenge_where_only_certificates_count() -> None:
    assert Setup(schemes=frozenset({Scheme.CERTIFICATE})).authenticate() == Rejected(LoginResult.MISSING)


@pytest.mark.parametrize("required", [True, False], ids=["required", "not required"])
@pytest.mark.parametrize("client", [CUCM, TRUSTED])
@pytest.mark.parametrize("certificate", [(), CERTIFICATE], ids=["no certificate", "a certificate"])
def test_a_login_is_checked_even_where_none_is_required(
    required: bool, client: str, certificate: tuple[str, ...]
) -> None:
    setup = Setup(required=required)

    wrong = rejection(setup.authenticate(basic(password="wrong"), client=client, certificate=certificate))
    right = setup.authenticate(basic(), client=client, certificate=certificate)

    assert wrong.result is LoginResult.WRONG_PASSWORD
    assert len(wrong.challenges) == 3
    assert right == Admitted(Identity(USER, certificate), Scheme.BASIC)


def test_a_login_is_ignored_where_only_certificates_count() -> None:
    setup = Setup(required=False, schemes=frozenset({Scheme.CERTIFICATE}))

    assert setup.authenticate(basic(password="wrong")) == Admitted(NOBODY)


def test_tls_by_name_passes_only_where_no_login_is_required() -> None:
    assert Setup(required=False).authenticator.needs_no_login(CUCM)
    assert Setup().authenticator.needs_no_login(TRUSTED)
    assert not Setup().authenticator.needs_no_login(CUCM)


# What is wrong with a login


def wrong_logins(setup: Setup) -> dict[str, tuple[tuple[str, ...], LoginResult, str]]:
    asked = setup.challenges()
    md5, sha = asked["MD5"], asked["SHA-256"]
    wrong, unknown = LoginResult.WRONG_PASSWORD, LoginResult.UNKNOWN_USER
    unusable, not_offered = LoginResult.UNUSABLE, LoginResult.NOT_OFFERED
    return {
        "basic, password": ((basic(password="x"),), wrong, ""),
        "basic, user": ((basic("nobody"),), unknown, ""),
        "basic, case of the user": ((basic(USER.upper()),), unknown, ""),
        "digest, password": ((digest(md5, password="x"),), wrong, ""),
        "digest, user": ((digest(sha, "nobody"),), unknown, ""),
        "digest, method": ((digest(md5, method="GET"),), wrong, ""),
        "digest, response of the other algorithm": ((digest(md5, algorithm="SHA-256"),), wrong, ""),
        "digest, no response": ((digest(md5, response='"0"'),), wrong, ""),
        "digest, another target": ((digest(md5, uri="api.cisco.com:443"),), unusable, "its uri is not the target"),
        "digest, a path": ((digest(md5, uri="/"),), unusable, "its uri is not the target"),
        "digest, realm": ((digest(md5.replace(REALM, "squid")),), unusable, "another realm"),
        "digest, a session": ((digest(md5, algorithm="MD5-sess"),), not_offered, "digest is not offered"),
        "garbage": (("Digest x",), unusable, "parameters are malformed"),
        "empty": (("",), unusable, "does not begin with a scheme"),
        "two": ((basic(), basic()), unusable, "two of them"),
        "ntlm": (("NTLM TlRMTVNTUAABAAAA",), not_offered, "ntlm is not offered"),
    }


@pytest.mark.parametrize("case", wrong_logins(Setup()))
def test_each_wrong_login_has_its_own_result_and_new_challenges(case: str) -> None:
    setup = Setup()
    values, result, words = wrong_logins(setup)[case]

    rejected = rejection(setup.authenticate(*values))

    assert rejected.result is result
    assert words in rejected.detail
    assert len(rejected.challenges) == 3
    assert "stale" not in "".join(rejected.challenges)


@pytest.mark.parametrize(
    ("schemes", "login"),
    [
        (frozenset(DIGESTS), basic()),
        (frozenset({Scheme.BASIC, Scheme.DIGEST_SHA_256}), digest(Setup().challenges()["MD5"])),
    ],
    ids=["basic", "digest-md5"],
)
def test_a_right_password_by_a_scheme_not_offered_is_rejected(schemes: frozenset[Scheme], login: str) -> None:
    assert rejection(Setup(schemes=schemes).authenticate(login)).result is LoginResult.NOT_OFFERED


def test_an_algorithm_without_a_hash_for_every_user_is_not_served() -> None:
    ha1 = {Scheme.DIGEST_MD5: {USER: HA1[Scheme.DIGEST_MD5], "old": "0" * 32}}
    users = Users({}, {**ha1, Scheme.DIGEST_SHA_256: {USER: HA1[Scheme.DIGEST_SHA_256]}})
    setup = Setup(users=users, schemes=frozenset(DIGESTS))
    of_another = Setup(key=KEY).challenges()["SHA-256"]

    assert list(setup.challenges()) == ["MD5"]
    assert rejection(setup.authenticate(digest(of_another))).result is LoginResult.NOT_OFFERED


def test_digest_is_offered_even_if_the_files_hold_no_user() -> None:
    """A 407 must have a challenge (RFC 9110 section 15.5.8)."""
    assert list(Setup(users=Users({}, {}), schemes=frozenset(DIGESTS)).challenges()) == ["MD5", "SHA-256"]
    assert list(Setup(users=Users({}, {})).challenges()) == ["Basic"]


def test_every_user_is_unknown_if_the_file_is_empty() -> None:
    assert rejection(Setup(users=Users({}, {})).authenticate(basic())).result is LoginResult.UNKNOWN_USER


def test_every_scheme_but_certificates_can_be_asked_for_by_a_407() -> None:
    assert {*DIGESTS, Scheme.BASIC} == BY_CHALLENGE
