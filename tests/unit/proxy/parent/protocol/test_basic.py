import base64

import pytest

from licensegate.proxy.parent.protocol.basic import BasicLogin
from licensegate.proxy.parent.protocol.challenges import Challenge
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError

BASIC = Challenge("basic", {"realm": "r"})


@pytest.mark.parametrize("challenge", [None, BASIC], ids=["unasked", "asked"])
def test_user_and_password_go_in_utf_8(challenge: Challenge | None) -> None:
    said = BasicLogin("jürgen", "pä:ss").answer(challenge)

    scheme, _, token = said.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(token).decode() == "jürgen:pä:ss"


def test_to_be_asked_again_is_to_be_refused() -> None:
    login = BasicLogin("u", "p")
    login.answer(None)

    with pytest.raises(LoginRefusedError) as refused:
        login.answer(BASIC)
    assert refused.value.wrong_password


def test_a_user_with_a_colon_cannot_be_said() -> None:
    with pytest.raises(LoginFailedError, match="colon"):
        BasicLogin("a:b", "p").answer(None)
