"""NTLM against the server side of pyspnego, with one user."""

import base64
import contextlib
from pathlib import Path

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.parent.protocol.challenges import Challenge
from licensegate.proxy.parent.protocol.ntlm import NtlmLogin
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> spnego.ContextProxy:
    users = tmp_path / "users"
    users.write_text("CORP:svc:secret\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    return spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)


def token(sent: str) -> bytes:
    scheme, _, text = sent.partition(" ")
    assert scheme == "NTLM"
    return base64.b64decode(text)


def challenged_by(server: spnego.ContextProxy, sent: str) -> Challenge:
    answer = server.step(token(sent))
    assert answer is not None
    return Challenge("ntlm", {}, base64.b64encode(answer).decode())


@pytest.mark.parametrize("first", [None, Challenge("ntlm")], ids=["unasked", "asked"])
def test_two_messages_log_in(server: spnego.ContextProxy, first: Challenge | None) -> None:
    login = NtlmLogin("CORP\\svc", "secret", "proxy.test")

    challenge = challenged_by(server, login.answer(first))
    server.step(token(login.answer(challenge)))
    assert server.complete
    assert server.client_principal == "CORP\\svc"


def test_a_wrong_ntlm_password_is_refused_after_two_messages(server: spnego.ContextProxy) -> None:
    login = NtlmLogin("CORP\\svc", "wrong", "proxy.test")

    challenge = challenged_by(server, login.answer(None))
    with pytest.raises(spnego.exceptions.SpnegoError):
        server.step(token(login.answer(challenge)))
    with pytest.raises(LoginRefusedError) as refused:
        login.answer(Challenge("ntlm"))
    assert refused.value.wrong_password


def test_a_missing_ntlm_challenge_is_not_a_refused_password() -> None:
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with pytest.raises(LoginFailedError, match="no challenge"):
        login.answer(Challenge("ntlm"))


@pytest.mark.parametrize("text", ["====", "TlRM", base64.b64encode(b"NTLMSSP\0\2\0\0\0").decode()])
def test_an_invalid_ntlm_challenge_is_a_failure(text: str) -> None:
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with pytest.raises(LoginFailedError, match="NTLM challenge"):
        login.answer(Challenge("ntlm", {}, text))


@given(st.binary(max_size=120))
def test_any_ntlm_challenge_is_answered_or_a_failure(content: bytes) -> None:
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with contextlib.suppress(LoginFailedError):
        assert token(login.answer(Challenge("ntlm", {}, base64.b64encode(b"NTLMSSP\0\2\0\0\0" + content).decode())))
