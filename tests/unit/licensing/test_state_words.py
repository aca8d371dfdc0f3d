"""Every state that a reader finds has a word in every language."""

import pytest

from licensegate.language.language import ENGLISH, JAPANESE
from licensegate.licensing.state_words import state_word
from licensegate.licensing.words import AUTHORIZATION, ENTITLEMENT, REGISTRATION

STATES = sorted({*REGISTRATION.values(), *AUTHORIZATION.values(), *ENTITLEMENT.values()})


@pytest.mark.parametrize("state", STATES)
def test_a_state_has_a_word_in_english_and_japanese(state: str) -> None:
    assert state_word(state, ENGLISH) == state.replace("_", " ")
    assert not state_word(state, JAPANESE).isascii()


def test_a_state_of_a_newer_release_stays_english() -> None:
    assert state_word("parked_on_moon", JAPANESE) == "parked on moon"
    assert state_word("", JAPANESE) == ""
