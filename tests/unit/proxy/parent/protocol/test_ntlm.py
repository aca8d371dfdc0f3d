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
from licensegate.proxy.parent.protocol.tokens import describe_token


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


@pytest.mark.parametrize("at", [12, 40], ids=["name", "info"])
def test_a_challenge_with_a_field_outside_it_is_no_refused_password(at: int) -> None:
    message = bytearray(b"NTLMSSP\0\2\0\0\0".ljust(56, b"\0"))
    message[at : at + 8] = b"\x20\0\x20\0\xff\xff\xff\x7f"
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with pytest.raises(LoginFailedError, match="fields outside the message"):
        login.answer(Challenge("ntlm", {}, base64.b64encode(message).decode()))


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (bytes.fromhex("a1073005a0030a0101"), "a token of SPNEGO"),
        (bytes.fromhex("601b06062b0601050502a011300fa00d300b06092a864886f712010202"), "a token of SPNEGO"),
        (bytes.fromhex("6082010006092a864886f71201020202000000"), "a token of Kerberos"),
        (bytes.fromhex("6f073005a0030a0101"), "a token of Kerberos"),
        (b"NTLMSSP\0\1\0\0\0", "NTLM's negotiate message"),
        (b"NTLMSSP\0\x09\0\0\0", "an NTLM message of the unknown type 9"),
        (b"hello", "5 bytes of no known kind"),
    ],
)
def test_a_token_that_is_not_ntlms_challenge_is_named(token: bytes, kind: str) -> None:
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with pytest.raises(LoginFailedError) as raised:
        login.answer(Challenge("ntlm", {}, base64.b64encode(token).decode()))

    assert str(raised.value) == f"its NTLM challenge cannot be used: it is {kind}, not NTLM's challenge message"


@given(st.binary(max_size=120))
def test_any_token_is_named(content: bytes) -> None:
    assert describe_token(content).isprintable()


@given(st.binary(max_size=120))
def test_any_ntlm_challenge_is_answered_or_a_failure(content: bytes) -> None:
    login = NtlmLogin("svc", "secret", "proxy.test")
    login.answer(None)

    with contextlib.suppress(LoginFailedError):
        assert token(login.answer(Challenge("ntlm", {}, base64.b64encode(b"NTLMSSP\0\2\0\0\0" + content).decode())))
