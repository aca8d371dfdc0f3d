"""The door of a running gate: made of its files, made anew when they change, and what it hands on."""

import logging
from pathlib import Path

import pytest

from licensegate.allowlist.target import Target
from licensegate.app.service.authenticator_reloader import AuthenticatorReloader
from licensegate.app.settings import Auth
from licensegate.proxy.auth.request import AuthRequest
from licensegate.proxy.auth.result import Admitted, AuthResult, CheckNeeded, Rejected
from licensegate.proxy.auth.scheme import BY_CHALLENGE, Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.records.record import LoginResult
from licensegate.records.secret import Secret
from support.logins import basic, digest, htpasswd_line, parameters, write_user_files

CLIENT = "10.1.2.3"


def auth(folder: Path, key: Path | None = None, *, required: bool = True) -> Auth:
    return Auth(
        LoginSettings(required, BY_CHALLENGE), folder / "users.htpasswd", folder / "users.htdigest", key, BY_CHALLENGE
    )


def judged(keeper: AuthenticatorReloader, login: str = "") -> AuthResult:
    assert keeper.authenticator is not None
    sent = (Secret(login.encode()),) if login else ()
    return keeper.authenticator.authenticate(AuthRequest(CLIENT, Target("tools.cisco.com", 443), authorization=sent))


def challenge(keeper: AuthenticatorReloader, algorithm: str = "SHA-256") -> str:
    asked = judged(keeper)
    assert isinstance(asked, Rejected)
    return next(text for text in asked.challenges if parameters(text).get("algorithm") == algorithm)


def test_without_logins_there_is_no_door() -> None:
    keeper = AuthenticatorReloader(Auth())

    assert keeper.authenticator is None
    assert not keeper.look()


def test_the_users_of_the_files_pass_and_what_is_in_force_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_user_files(tmp_path)
    with caplog.at_level(logging.INFO):
        keeper = AuthenticatorReloader(auth(tmp_path))

    assert isinstance(judged(keeper, digest(challenge(keeper))), Admitted)
    assert caplog.messages == [
        "a login is required, by digest-md5 or digest-sha-256 or basic; known: 1 by password, 1 by Digest"
    ]


def test_what_an_operator_should_know_of_the_files_is_said_at_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_user_files(tmp_path)
    slow = "$6$rounds=656000$saltstring$" + "a" * 86
    (tmp_path / "users.htpasswd").write_text(f"cucm:{slow}\n")

    AuthenticatorReloader(auth(tmp_path, required=False))

    assert any("the password of cucm takes about 0.7 s to check" in message for message in caplog.messages)
    assert slow not in caplog.text


def test_new_users_pass_once_their_file_has_changed_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    htpasswd, _ = write_user_files(tmp_path)
    keeper = AuthenticatorReloader(auth(tmp_path))
    assert not keeper.look()

    htpasswd.write_text(htpasswd_line("new") + htpasswd_line("newer"))
    assert keeper.look()
    authenticator = keeper.authenticator
    verdict = judged(keeper, basic("new"))
    assert isinstance(verdict, CheckNeeded)
    assert verdict.check.is_right()

    htpasswd.write_text("new\n")
    with pytest.raises(LoginFileError, match="line 1: there is no colon"):
        keeper.look()
    assert keeper.authenticator is authenticator
    assert not keeper.look()


def test_a_successor_remembers_what_was_used_and_knows_the_nonces(tmp_path: Path) -> None:
    write_user_files(tmp_path)
    keeper = AuthenticatorReloader(auth(tmp_path))
    asked = challenge(keeper)
    assert isinstance(judged(keeper, digest(asked)), Admitted)

    successor = keeper.successor(auth(tmp_path, required=False))

    again = judged(successor, digest(asked))
    assert isinstance(again, Rejected)
    assert again.result is LoginResult.REPLAYED
    assert isinstance(judged(successor, digest(asked, count=2)), Admitted)


def test_gates_that_share_a_key_take_each_others_nonces(tmp_path: Path) -> None:
    write_user_files(tmp_path)
    key = tmp_path / "nonce.key"
    key.write_text("ab" * 32 + "\n")
    one, two, other = (
        AuthenticatorReloader(auth(tmp_path, key)),
        AuthenticatorReloader(auth(tmp_path, key)),
        AuthenticatorReloader(auth(tmp_path)),
    )

    asked = challenge(one)

    assert isinstance(judged(two, digest(asked)), Admitted)
    stale = judged(other, digest(asked))
    assert isinstance(stale, Rejected)
    assert stale.result is LoginResult.STALE


@pytest.mark.parametrize("name", ["users.htpasswd", "users.htdigest", "nonce.key"])
def test_a_file_that_cannot_be_used_is_named_at_once(tmp_path: Path, name: str) -> None:
    write_user_files(tmp_path)
    (tmp_path / "nonce.key").write_text("ab" * 32)
    (tmp_path / name).write_text("x")

    with pytest.raises(LoginFileError, match=name):
        AuthenticatorReloader(auth(tmp_path, tmp_path / "nonce.key"))


def test_certificates_alone_need_no_file_of_users(caplog: pytest.LogCaptureFixture) -> None:
    only = frozenset({Scheme.CERTIFICATE})
    with caplog.at_level(logging.INFO):
        keeper = AuthenticatorReloader(Auth(LoginSettings(True, only), possible=only))

    assert judged(keeper) == Rejected(LoginResult.MISSING)
    assert "a login is required, by certificate; known: 0" in caplog.text
