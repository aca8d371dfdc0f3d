"""Which language a request, a browser or a terminal gets, and what it says."""

import subprocess
import sys

import pytest

from licensegate.language.language import ENGLISH, JAPANESE, N_, Language, language_for, language_named, language_of

REFUSED = "a communication timeout"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param("", ENGLISH, id="no field"),
        pytest.param("ja", JAPANESE, id="Japanese"),
        pytest.param("ja-JP", JAPANESE, id="with a region"),
        pytest.param("JA-jp", JAPANESE, id="in any case"),
        pytest.param("ja-Latn-JP-u-ca-japanese", JAPANESE, id="with more subtags"),
        pytest.param("ja,en-US;q=0.9,en;q=0.8", JAPANESE, id="a Japanese browser"),
        pytest.param("en-US,en;q=0.9,ja;q=0.8", ENGLISH, id="an English browser"),
        pytest.param("en;q=0.3, ja;q=0.7", JAPANESE, id="weights before places"),
        pytest.param("en, ja", ENGLISH, id="the earlier of equal weights"),
        pytest.param("ja, en", JAPANESE, id="the earlier of equal weights, Japanese"),
        pytest.param("fr, de;q=0.8, ja;q=0.1", JAPANESE, id="the only one of ours"),
        pytest.param("fr, de", ENGLISH, id="none of ours"),
        pytest.param("*", ENGLISH, id="any"),
        pytest.param("*, ja", JAPANESE, id="a name before any"),
        pytest.param("ja;q=0.5, *;q=0.8", ENGLISH, id="any before a name of less weight"),
        pytest.param("en;q=0, *", JAPANESE, id="any but English"),
        pytest.param("ja;q=0", ENGLISH, id="not Japanese"),
        pytest.param("ja;q=0, en;q=0", ENGLISH, id="nothing of ours"),
        pytest.param("ja;q=0.000, en;q=0.001", ENGLISH, id="three digits"),
        pytest.param("fr;q=1.000 , ja ; q=0.9,en;q=0.8", JAPANESE, id="blanks"),
        pytest.param("ja;q=2, en;q=x, ja;q=0.1234", ENGLISH, id="weights that are none"),
        pytest.param("ja;q=\u0661", ENGLISH, id="digits that are not ASCII"),
        pytest.param("ja;q=1.9, en;q=0.9", JAPANESE, id="a weight above 1"),
        pytest.param("japanese, jav", ENGLISH, id="longer tags"),
        pytest.param(",;q=1,=,ja;;q=1,-ja", ENGLISH, id="rubbish"),
        pytest.param("en-US;q=0.1, en;q=0.9, ja;q=0.5", ENGLISH, id="the best of one language"),
    ],
)
def test_accept_language_picks_the_language(field: str, expected: Language) -> None:
    assert language_for(field) is expected


def test_a_field_without_one_of_ours_gets_the_default() -> None:
    assert language_for("fr, *;q=0.5", JAPANESE) is JAPANESE
    assert language_for("ja;q=0", JAPANESE) is JAPANESE
    assert language_for("en", JAPANESE) is ENGLISH


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, ENGLISH, id="nothing"),
        pytest.param({"LANG": "ja_JP.UTF-8"}, JAPANESE, id="LANG"),
        pytest.param({"LANG": "ja"}, JAPANESE, id="without region"),
        pytest.param({"LANG": "ja_JP.eucJP@modifier"}, JAPANESE, id="another encoding"),
        pytest.param({"LANG": "en_GB.UTF-8"}, ENGLISH, id="English"),
        pytest.param({"LANG": "de_DE.UTF-8"}, ENGLISH, id="a language without texts"),
        pytest.param({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, ENGLISH, id="LC_MESSAGES before LANG"),
        pytest.param({"LC_MESSAGES": "en_US", "LC_ALL": "ja_JP"}, JAPANESE, id="LC_ALL before LC_MESSAGES"),
        pytest.param({"LANG": "ja_JP", "LC_ALL": ""}, JAPANESE, id="an empty LC_ALL"),
        pytest.param({"LANG": "ja_JP", "LC_ALL": "C"}, ENGLISH, id="C"),
        pytest.param({"LANGUAGE": "ja", "LANG": "en_US.UTF-8"}, JAPANESE, id="LANGUAGE"),
        pytest.param({"LANGUAGE": "fr:ja:en", "LANG": "en_US.UTF-8"}, JAPANESE, id="the first known of LANGUAGE"),
        pytest.param({"LANGUAGE": "fr", "LANG": "ja_JP.UTF-8"}, JAPANESE, id="an unknown LANGUAGE"),
        pytest.param({"LANGUAGE": "ja", "LANG": "C.UTF-8"}, ENGLISH, id="LANGUAGE in the locale C"),
        pytest.param({"LANGUAGE": "ja"}, ENGLISH, id="LANGUAGE without a locale"),
    ],
)
def test_environment_picks_the_language(environ: dict[str, str], expected: Language) -> None:
    assert language_of(environ) is expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("ja", JAPANESE), ("ja-JP", JAPANESE), ("EN", ENGLISH), ("fr", None), ("", None), ("../ja", None)],
)
def test_a_tag_names_a_language(tag: str, expected: Language | None) -> None:
    assert language_named(tag) is expected


def test_english_says_what_the_code_says() -> None:
    assert ENGLISH.gettext(REFUSED) is REFUSED
    assert [ENGLISH.ngettext("{n} day", "{n} days", n) for n in (1, 2)] == ["{n} day", "{n} days"]


def test_japanese_says_it_in_japanese() -> None:
    assert JAPANESE.gettext(REFUSED) == "通信タイムアウト（communication timeout）"


def test_a_message_without_a_translation_stays_english() -> None:
    assert JAPANESE.gettext("No such message.") == "No such message."
    assert JAPANESE.gettext("") == "", "gettext answers with the catalog's header"
    assert N_("A message.") == "A message."


def test_english_reads_no_catalog() -> None:
    program = (
        "import sys\n"
        "from licensegate.language.language import ENGLISH, JAPANESE, language_for\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and opened.append(str(args[0])))\n"
        "language_for('ja'), ENGLISH.gettext('message')\n"
        "assert not any(name.endswith('.mo') for name in opened), opened\n"
        "JAPANESE.gettext('message')\n"
        "assert any(name.endswith('.mo') for name in opened), opened\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
