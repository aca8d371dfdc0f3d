"""Which logins are accepted, and the challenges and reasons for all others."""

import random
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.target import Target
from licensegate.proxy.auth import digest_hash
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.login_throttle import FREE_TRIES
from licensegate.proxy.auth.nonces import NONCE_SECONDS, Nonces
from licensegate.proxy.auth.password_cache import KEPT_SECONDS
from licensegate.proxy.auth.password_hash import PasswordHash, read_hash
from licensegate.proxy.auth.request import AuthRequest
from licensegate.proxy.auth.result import Admitted, AuthResult, CheckNeeded, Rejected
from licensegate.proxy.auth.scheme import BY_CHALLENGE, DIGESTS, Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.users import Users
from licensegate.records.record import LoginResult
from licensegate.records.secret import Secret
from support.clock import Clock
from support.logins import PASSWORD, REALM, USER, basic, digest, htdigest_lines, htpasswd_line, parameters

CUCM, TRUSTED, ELSEWHERE = "10.1.2.3", "10.9.9.9", "10.1.2.4"
TOOLS = Target("tools.cisco.com", 443)
EVERY_SCHEME = frozenset(Scheme)
STORED = read_hash(htpasswd_line().rstrip().partition(":")[2])
HA1 = dict(zip(DIGESTS, (line.rpartition(":")[2] for line in htdigest_lines().split()), strict=True))
USERS = Users({USER: STORED}, {scheme: {USER: secret} for scheme, secret in HA1.items()})
KEY = Secret(b"k" * 32)
CERTIFICATE = ("cucm-pub", "cucm-pub.example.net")


class Setup:
    """An authenticator with its clock and state."""

    def __init__(
        self,
        *,
        required: bool = True,
        schemes: frozenset[Scheme] = EVERY_SCHEME,
        users: Users = USERS,
        key: Secret = KEY,
        state: AuthState | None = None,
    ) -> None:
        self.clock = Clock(1_800_000_000.0)
        logins = LoginSettings(required, schemes, REALM, (ip_network(f"{TRUSTED}/32"),))
        self.state = state or AuthState(self.clock)
        self.authenticator = Authenticator(logins, users, Nonces(key, self.clock), self.state)

    def request(self, *values: str | bytes, client: str = CUCM, **more: object) -> AuthRequest:
        sent = tuple(Secret(value if isinstance(value, bytes) else value.encode()) for value in values)
        return AuthRequest(client, TOOLS, authorization=sent, **more)  # type: ignore[arg-type]

    def authenticate(
        self, *values: str | bytes, client: str = CUCM, listener: frozenset[Scheme] | None = None, **more: object
    ) -> AuthResult:
        """The result of a login, with its password checked, at a listener with these schemes of its own."""
        request, authenticator = self.request(*values, client=client, **more), self.authenticator.for_listener(listener)
        result = authenticator.authenticate(request)
        if isinstance(result, CheckNeeded):
            result = authenticator.password_checked(request, result.check, right=result.check.is_right())
        return result

    def challenges(self, client: str = CUCM, listener: frozenset[Scheme] | None = None) -> dict[str, str]:
        """The challenges that a client gets, by algorithm."""
        asked = self.authenticator.for_listener(listener).ask_to_log_in(self.request(client=client))
        return {parameters(text).get("algorithm", "Basic"): text for text in asked.challenges}


def rejection(result: AuthResult) -> Rejected:
    assert isinstance(result, Rejected)
    return result


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


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_digest_is_accepted_on_the_next_connection(algorithm: str) -> None:
    setup = Setup()

    login = digest(setup.challenges()[algorithm])

    assert setup.authenticate(login) == Admitted(Identity(USER), Scheme(f"digest-{algorithm.lower()}"))


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


def test_the_answer_does_not_reveal_whether_a_user_is_known() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]

    for one, two in ((basic(password="x"), basic("x")), (digest(asked, password="x"), digest(asked, "x"))):
        known, unknown = rejection(setup.authenticate(one)), rejection(setup.authenticate(two))
        assert known.detail == unknown.detail == ""
        assert len(known.challenges) == len(unknown.challenges)


@pytest.mark.parametrize("uri", ["TOOLS.cisco.com:443", "tools.cisco.com.:443"])
def test_a_digests_uri_may_be_written_as_any_target_may(uri: str) -> None:
    setup = Setup()

    assert isinstance(setup.authenticate(digest(setup.challenges()["SHA-256"], uri=uri)), Admitted)


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


BACKSLASH = "CORP\\svc"


def with_backslash(*users: str) -> Setup:
    """A gate where these users have the password, by Digest."""
    ha1 = {scheme: {user: digest_hash.ha1(scheme, user, REALM, PASSWORD) for user in users} for scheme in DIGESTS}
    return Setup(users=Users({}, ha1), schemes=frozenset(DIGESTS))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize(
    ("username", "cnonce"),
    [
        pytest.param(r'"CORP\svc"', "0a4f113b", id="as Java sends it"),
        pytest.param(r'"CORP\svc"', "0a\\4f", id="with another backslash"),
        pytest.param(r'"CORP\\svc"', "0a4f113b", id="escaped, as RFC 9110 asks"),
    ],
)
def test_a_user_with_a_backslash_is_read_as_it_was_meant(algorithm: str, username: str, cnonce: str) -> None:
    setup = with_backslash(BACKSLASH)

    login = digest(setup.challenges()[algorithm], BACKSLASH, cnonce=cnonce, username=username)

    assert setup.authenticate(login) == Admitted(Identity(BACKSLASH), Scheme(f"digest-{algorithm.lower()}"))


def test_the_reading_of_the_rfc_comes_first() -> None:
    setup = with_backslash(BACKSLASH, "CORPsvc")
    asked = setup.challenges()["SHA-256"]

    unescaped = setup.authenticate(digest(asked, "CORPsvc", username=r'"CORP\svc"'))
    verbatim = rejection(setup.authenticate(digest(asked, BACKSLASH, count=2)))

    assert unescaped == Admitted(Identity("CORPsvc"), Scheme.DIGEST_SHA_256)
    assert (verbatim.result, verbatim.user) == (LoginResult.WRONG_PASSWORD, "CORPsvc")


@pytest.mark.parametrize(
    ("user", "result"),
    [(BACKSLASH, LoginResult.WRONG_PASSWORD), ("CORP\\else", LoginResult.UNKNOWN_USER)],
    ids=["wrong password", "unknown user"],
)
def test_two_readings_of_a_backslash_count_as_one_try(user: str, result: LoginResult) -> None:
    setup = with_backslash(BACKSLASH)
    asked = setup.challenges()["SHA-256"]

    for _ in range(FREE_TRIES):
        assert rejection(setup.authenticate(digest(asked, user, "wrong"))).result is result
        assert setup.state.login_throttle.seconds_left(CUCM) == 0
    setup.authenticate(digest(asked, user, "wrong"))
    assert setup.state.login_throttle.seconds_left(CUCM) > 0


# Nonces


def test_each_count_of_a_nonce_is_accepted_once() -> None:
    setup = Setup()
    asked = setup.challenges()["SHA-256"]

    assert isinstance(setup.authenticate(digest(asked, count=1)), Admitted)
    assert isinstance(setup.authenticate(digest(asked, count=2)), Admitted)
    for replayed in (1, 2):
        rejected = rejection(setup.authenticate(digest(asked, count=replayed)))
        assert rejected.result is LoginResult.REPLAYED
        assert all("stale=true" in text for text in rejected.challenges if text.startswith("Digest"))


def test_a_replay_with_another_cnonce_or_algorithm_is_a_replay() -> None:
    setup = Setup()
    asked = setup.challenges()
    setup.authenticate(digest(asked["MD5"]))

    for login in (digest(asked["MD5"], cnonce="other"), digest(asked["SHA-256"])):
        assert rejection(setup.authenticate(login)).result is LoginResult.REPLAYED


@pytest.mark.parametrize(
    "how", ["too old", "from another source", "by another key", "changed", "none of ours", "empty"]
)
def test_a_right_password_with_an_unusable_nonce_gets_a_stale_challenge(how: str) -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    client = CUCM
    match how:
        case "too old":
            setup.clock.now += NONCE_SECONDS
        case "from another source":
            client = ELSEWHERE
        case "by another key":
            asked = Setup(key=Secret(b"other" * 8)).challenges()["MD5"]
        case _:
            nonce = parameters(asked)["nonce"]
            other = {"changed": "A" * 20 + nonce[20:], "none of ours": "dcd98b7102dd2f0e8b11d0f600bfb0c0", "empty": ""}
            asked = asked.replace(nonce, other[how])

    rejected = rejection(setup.authenticate(digest(asked), client=client))

    assert rejected.result is LoginResult.STALE
    md5, sha, plain = rejected.challenges
    assert parameters(md5)["stale"] == parameters(sha)["stale"] == "true"
    assert "stale" not in plain
    assert isinstance(setup.authenticate(digest(md5), client=client), Admitted)
    assert setup.state.login_throttle.seconds_left(client) == 0


def test_a_wrong_password_with_a_stale_nonce_is_a_wrong_password() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    setup.clock.now += NONCE_SECONDS

    rejected = rejection(setup.authenticate(digest(asked, password="x")))

    assert rejected.result is LoginResult.WRONG_PASSWORD
    assert "stale" not in "".join(rejected.challenges)


def test_gates_with_one_key_share_nonces_but_not_their_counts() -> None:
    one, two = Setup(), Setup()
    login = digest(one.challenges()["SHA-256"])

    assert isinstance(one.authenticate(login), Admitted)
    assert isinstance(two.authenticate(login), Admitted)
    assert rejection(two.authenticate(login)).result is LoginResult.REPLAYED


def test_used_nonces_stay_used_in_an_authenticator_with_the_same_state() -> None:
    one = Setup()
    login = digest(one.challenges()["SHA-256"])
    one.authenticate(login)

    assert rejection(Setup(state=one.state).authenticate(login)).result is LoginResult.REPLAYED


# Passwords that were checked


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of hashes that were computed."""
    kinds: list[str] = []
    fits = PasswordHash.fits

    def counting(self: PasswordHash, password: bytes) -> bool:
        kinds.append(self.kind)
        return fits(self, password)

    monkeypatch.setattr(PasswordHash, "fits", counting)
    return kinds


def test_a_right_login_is_cached_for_a_while(counted: list[str]) -> None:
    setup = Setup()

    for _ in range(5):
        assert isinstance(setup.authenticate(basic()), Admitted)
    assert len(counted) == 1
    setup.clock.now += KEPT_SECONDS
    setup.authenticate(basic())
    assert len(counted) == 2


def test_a_password_changed_in_the_file_is_checked_at_once(counted: list[str]) -> None:
    setup = Setup()
    setup.authenticate(basic())
    users = Users({USER: read_hash(htpasswd_line(password="new").rstrip().partition(":")[2])}, {})
    changed = Setup(users=users, state=setup.state)

    assert rejection(changed.authenticate(basic())).result is LoginResult.WRONG_PASSWORD
    assert len(counted) == 2


def test_known_and_unknown_users_cost_one_hash_of_the_same_kind(counted: list[str]) -> None:
    setup = Setup()
    setup.authenticate(basic())
    counted.clear()

    for user in (USER, "nobody", USER, "nobody"):
        setup.authenticate(basic(user, "wrong"))
        setup.clock.now += 100

    assert counted == [STORED.kind] * 4


# Limits


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_source_waits_after_some_failures_and_may_then_try_again(scheme: str, counted: list[str]) -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]

    def login(password: str) -> str:
        return basic(password=password) if scheme == "basic" else digest(asked, password=password)

    for number in range(FREE_TRIES + 1):
        assert rejection(setup.authenticate(login(f"guess {number}"))).result is LoginResult.WRONG_PASSWORD
    counted.clear()
    limited = rejection(setup.authenticate(login(PASSWORD)))
    assert (limited.result, limited.challenges) == (LoginResult.LIMITED, ())
    assert limited.detail == "the next one is checked in 1 s"
    assert not counted, "nothing was worked out"
    assert isinstance(setup.authenticate(login(PASSWORD), client=ELSEWHERE), Admitted | Rejected)
    assert rejection(setup.authenticate()).result is LoginResult.MISSING, "a client without a login is asked"

    setup.clock.now += 1
    assert isinstance(setup.authenticate(login(PASSWORD)), Admitted)


def test_parallel_guesses_gain_nothing_over_guesses_in_turn() -> None:
    setup = Setup()
    requests = [setup.request(basic(password=f"guess {number}")) for number in range(9)]
    requests.append(setup.request(basic()))
    waiting = [(request, setup.authenticator.authenticate(request)) for request in requests]

    answers = []
    for request, result in waiting:
        assert isinstance(result, CheckNeeded)
        right = result.check.is_right()
        answers.append(rejection(setup.authenticator.password_checked(request, result.check, right=right)))

    results = [answer.result for answer in answers]
    assert results == [LoginResult.WRONG_PASSWORD] * (FREE_TRIES + 1) + [LoginResult.LIMITED] * 6
    assert (answers[-1].scheme, answers[-1].user) == (Scheme.BASIC, USER)
    setup.clock.now += 1
    assert isinstance(setup.authenticate(basic()), Admitted)


def test_an_unusable_login_does_not_count_as_a_guess() -> None:
    setup = Setup()

    for _ in range(20):
        setup.authenticate("Basic !")
        setup.authenticate("NTLM x")

    assert isinstance(setup.authenticate(basic()), Admitted)


# Unanswered challenges


@pytest.mark.parametrize(
    ("schemes", "words"),
    [(EVERY_SCHEME, "Digest was offered"), (frozenset({Scheme.BASIC}), "only Basic was offered, which Java")],
    ids=["an old CUCM", "Java refusing Basic"],
)
def test_unanswered_challenges_differ_from_wrong_passwords(schemes: frozenset[Scheme], words: str) -> None:
    setup = Setup(schemes=schemes)

    first = rejection(setup.authenticate())
    setup.clock.now += 900
    second = rejection(setup.authenticate())
    setup.clock.now += 900
    third = rejection(setup.authenticate())

    assert [each.unanswered for each in (first, second, third)] == [0, 1, 2]
    assert first.detail == ""
    assert words in third.detail
    setup.authenticate(basic(password="wrong"))
    setup.clock.now += 900
    assert rejection(setup.authenticate()).unanswered == 0


# Random headers


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([basic().encode(), b"Basic Og=="])), max_size=3))
def test_no_bytes_admit_a_stranger(values: list[bytes]) -> None:
    setup = Setup(users=Users({"somebody": STORED}, {}))

    assert isinstance(setup.authenticate(*values), Rejected)


def test_100000_random_headers_raise_nothing_and_admit_nobody() -> None:
    """Most headers are a right login with one change, and must not be accepted."""
    setup = Setup(users=Users({}, {scheme: {USER: "0" * len(secret)} for scheme, secret in HA1.items()}))
    rng = random.Random(7616)
    asked = setup.challenges()
    seeds = [basic().encode(), digest(asked["MD5"]).encode(), digest(asked["SHA-256"]).encode(), b"Negotiate YII="]
    results = set()
    for _ in range(100_000):
        value = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 5)):
            place = rng.randrange(len(value) + 1)
            value[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
        rejected = setup.authenticator.authenticate(setup.request(bytes(value)))
        assert isinstance(rejected, Rejected)
        results.add(rejected.result)
        setup.clock.now += 100

    assert results == {
        LoginResult.UNUSABLE,
        LoginResult.NOT_OFFERED,
        LoginResult.UNKNOWN_USER,
        LoginResult.WRONG_PASSWORD,
    }


def test_every_scheme_but_certificates_can_be_asked_for_by_a_407() -> None:
    assert {*DIGESTS, Scheme.BASIC} == BY_CHALLENGE


def test_no_repr_shows_a_password_or_a_hash() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    requests = [
        setup.request(basic()),
        setup.request(digest(asked, password="hush")),
        setup.request(basic(password="hush")),
    ]

    for request in requests:
        said = (
            repr(request)
            + repr(setup.authenticator.authenticate(request))
            + repr(setup.authenticator.settings)
            + repr(setup.authenticator.users)
        )
        assert "hush" not in said
        assert PASSWORD not in said
        assert basic()[6:] not in said
        assert STORED.text.raw.decode() not in said
        assert HA1[Scheme.DIGEST_MD5] not in said
