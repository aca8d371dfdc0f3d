"""The authenticator of a running gate: built from the user files, rebuilt when they change, state kept on reload."""

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


def judge(reloader: AuthenticatorReloader, login: str = "") -> AuthResult:
    assert reloader.authenticator is not None
    sent = (Secret(login.encode()),) if login else ()
    return reloader.authenticator.authenticate(AuthRequest(CLIENT, Target("tools.cisco.com", 443), authorization=sent))


def challenge(reloader: AuthenticatorReloader, algorithm: str = "SHA-256") -> str:
    asked = judge(reloader)
    assert isinstance(asked, Rejected)
    return next(text for text in asked.challenges if parameters(text).get("algorithm") == algorithm)


def test_without_logins_there_is_no_authenticator() -> None:
    reloader = AuthenticatorReloader(Auth())

    assert reloader.authenticator is None
    assert not reloader.look()


def test_users_in_the_files_can_log_in_and_are_counted_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_user_files(tmp_path)
    with caplog.at_level(logging.INFO):
        reloader = AuthenticatorReloader(auth(tmp_path))

    assert isinstance(judge(reloader, digest(challenge(reloader))), Admitted)
    assert caplog.messages == [
        "a login is required, by digest-md5 or digest-sha-256 or basic; known users: 1 by password, 1 by Digest"
    ]


def test_a_slow_password_hash_is_warned_of_at_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_user_files(tmp_path)
    slow = "$6$rounds=656000$saltstring$" + "a" * 86
    (tmp_path / "users.htpasswd").write_text(f"cucm:{slow}\n")

    AuthenticatorReloader(auth(tmp_path, required=False))

    assert any("the password of cucm takes about 0.7 s to check" in message for message in caplog.messages)
    assert slow not in caplog.text


def test_a_changed_user_file_is_used_and_an_invalid_one_is_not(tmp_path: Path) -> None:
    htpasswd, _ = write_user_files(tmp_path)
    reloader = AuthenticatorReloader(auth(tmp_path))
    assert not reloader.look()

    htpasswd.write_text(htpasswd_line("new") + htpasswd_line("newer"))
    assert reloader.look()
    authenticator = reloader.authenticator
    result = judge(reloader, basic("new"))
    assert isinstance(result, CheckNeeded)
    assert result.check.is_right()

    htpasswd.write_text("new\n")
    with pytest.raises(LoginFileError, match="line 1: a colon is missing"):
        reloader.look()
    assert reloader.authenticator is authenticator
    assert not reloader.look()


def test_a_successor_keeps_the_used_nonces_and_the_key(tmp_path: Path) -> None:
    write_user_files(tmp_path)
    reloader = AuthenticatorReloader(auth(tmp_path))
    asked = challenge(reloader)
    assert isinstance(judge(reloader, digest(asked)), Admitted)

    successor = reloader.successor(auth(tmp_path, required=False))

    again = judge(successor, digest(asked))
    assert isinstance(again, Rejected)
    assert again.result is LoginResult.REPLAYED
    assert isinstance(judge(successor, digest(asked, count=2)), Admitted)


def test_gates_with_the_same_key_accept_each_others_nonces(tmp_path: Path) -> None:
    write_user_files(tmp_path)
    key = tmp_path / "nonce.key"
    key.write_text("ab" * 32 + "\n")
    one, two, other = (
        AuthenticatorReloader(auth(tmp_path, key)),
        AuthenticatorReloader(auth(tmp_path, key)),
        AuthenticatorReloader(auth(tmp_path)),
    )

    asked = challenge(one)

    assert isinstance(judge(two, digest(asked)), Admitted)
    stale = judge(other, digest(asked))
    assert isinstance(stale, Rejected)
    assert stale.result is LoginResult.STALE


@pytest.mark.parametrize("name", ["users.htpasswd", "users.htdigest", "nonce.key"])
def test_an_invalid_file_is_named_at_start(tmp_path: Path, name: str) -> None:
    write_user_files(tmp_path)
    (tmp_path / "nonce.key").write_text("ab" * 32)
    (tmp_path / name).write_text("x")

    with pytest.raises(LoginFileError, match=name):
        AuthenticatorReloader(auth(tmp_path, tmp_path / "nonce.key"))


def test_client_certificates_alone_need_no_user_file(caplog: pytest.LogCaptureFixture) -> None:
    only = frozenset({Scheme.CERTIFICATE})
    with caplog.at_level(logging.INFO):
        reloader = AuthenticatorReloader(Auth(LoginSettings(True, only), possible=only))

    assert judge(reloader) == Rejected(LoginResult.MISSING)
    assert "a login is required, by certificate; known users: 0" in caplog.text
