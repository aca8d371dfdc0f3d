"""The command line of the benchmark."""

import arguments
import pytest


def test_the_short_form_is_smaller_in_every_amount() -> None:
    whole, short = arguments.parse([]), arguments.parse(["--short"])

    assert (whole.whole, short.whole) == (True, False)
    assert short.rounds < whole.rounds
    assert short.instances < whole.instances
    assert all(getattr(short.amount, name) <= getattr(whole.amount, name) for name in whole.amount.__struct_fields__)


def test_an_amount_given_wins_over_the_form() -> None:
    asked = arguments.parse(["--short", "--tunnels=7", "--crowds=5,50"])

    assert (asked.amount.tunnels, asked.amount.crowds) == (7, (5, 50))


@pytest.mark.parametrize(
    "words", [["--short", "--record"], ["--crowds=50,5"], ["--tunnels=0"], ["--only=nginx"]], ids=" ".join
)
def test_words_that_cannot_be_meant_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments.parse(words)

    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
