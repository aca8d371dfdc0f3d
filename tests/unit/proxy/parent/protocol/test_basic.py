import base64

import pytest

from licensegate.proxy.parent.protocol.basic import BasicLogin
from licensegate.proxy.parent.protocol.challenges import Challenge
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError

BASIC = Challenge("basic", {"realm": "r"})


@pytest.mark.parametrize("challenge", [None, BASIC], ids=["unasked", "asked"])
def test_user_and_password_are_sent_in_utf_8(challenge: Challenge | None) -> None:
    sent = BasicLogin("jürgen", "pä:ss").answer(challenge)

    scheme, _, token = sent.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(token).decode() == "jürgen:pä:ss"


def test_a_second_challenge_is_a_refusal() -> None:
    login = BasicLogin("u", "p")
    login.answer(None)

    with pytest.raises(LoginRefusedError) as refused:
        login.answer(BASIC)
    assert refused.value.wrong_password


def test_a_user_name_with_a_colon_is_an_error() -> None:
    with pytest.raises(LoginFailedError, match="colon"):
        BasicLogin("a:b", "p").answer(None)
