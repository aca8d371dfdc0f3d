"""Lines of a width, in letters of one column and of two."""

import pytest

from licensegate.app.commands.layout import sections
from licensegate.language.columns import columns, filled, padded
from licensegate.language.language import JAPANESE

SENTENCE = "製品に設定されたURLを確認してください。この接続先を許可するには、allowlist.ruleを追加してください。"


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("URL", 3), ("製品", 4), ("（URL）", 7), ("ｱ", 1)])
def test_a_wide_letter_takes_two_columns(text: str, expected: int) -> None:
    assert columns(text) == expected


def test_a_title_is_padded_by_columns() -> None:
    assert [padded(title, 8) for title in ("state", "状態", "long enough")] == ["state   ", "状態    ", "long enough"]
    assert sections({"状態": ["a", "b"], "期限": []}, JAPANESE) == (
        "状態          a\n              b\n期限          なし"
    )


def test_a_long_english_line_breaks_at_blanks() -> None:
    assert filled("one two-three four", 14, "do: ") == "do: one\n    two-three\n    four"


def test_a_long_japanese_line_breaks_between_letters() -> None:
    lines = filled(SENTENCE, 40, "対処: ").split("\n")
    assert "".join(line[6 if number else 0 :] for number, line in enumerate(lines)) == f"対処: {SENTENCE}"
    assert max(map(columns, lines)) <= 40
    assert len(lines) == 3


def test_no_line_begins_with_punctuation_or_breaks_a_word() -> None:
    for width in range(24, 60):
        lines = [line.strip() for line in filled(SENTENCE, width, "").split("\n")]
        assert "".join(lines) == SENTENCE
        assert not any(line[0] in "、。" for line in lines)
        assert sum("allowlist.rule" in line for line in lines) == 1


def test_an_empty_text_leaves_the_title() -> None:
    assert filled("", 40, "do: ") == "do: "
