"""The catalogs are whole: each message has its translation, and the files fit the code and each other."""

import importlib.util
import re
from collections import Counter
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

from licensegate.language.language import JAPANESE
from licensegate.language.phrases import CONTEXT, reworded

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "language").glob("*/LC_MESSAGES/licensegate.po"))
# {name}, {name:>8}, %(name)s
PLACEHOLDER = re.compile(r"\{\w*(?:[!:][^{}]*)?\}|%\(\w+\)[sd]")
# Japanese punctuation, kana, kanji, full-width forms.
LETTERS = re.compile("[\u3001-\u30ff\u4e00-\u9fff\uff00-\uffef]")


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalogs", ROOT / "scripts" / "catalogs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


catalogs = _script()


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.parts[-3])
def file(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture(scope="module")
def catalog(file: Path) -> object:
    """The catalog as the texts of the code make it, with the translations of the file."""
    return catalogs.catalog_of(file)


def _pairs(catalog: object) -> list[tuple[list[str], list[str]]]:
    """Each message's English texts and its translations."""
    pairs = [(each.id, each.string) for each in catalog if each.id]  # type: ignore[attr-defined]
    return [(_texts(one), _texts(two)) for one, two in pairs]


def _texts(forms: str | tuple[str, ...]) -> list[str]:
    return [forms] if isinstance(forms, str) else list(forms)


def test_every_message_has_its_translation(catalog: object) -> None:
    assert catalogs.untranslated(catalog) == [], "run: make catalogs, and write the translations"


def test_catalog_is_that_of_the_code(file: Path, catalog: object) -> None:
    assert file.read_bytes().decode() == catalogs.po_of(catalog).decode(), "run: make catalogs"


def test_compiled_catalog_is_that_of_the_text(file: Path, catalog: object) -> None:
    assert file.with_suffix(".mo").read_bytes() == catalogs.mo_of(catalog), "run: make catalogs"


def test_translations_have_the_placeholders_of_the_english(catalog: object) -> None:
    wrong = [
        (english, translated)
        for english, translations in _pairs(catalog)
        for translated in translations
        if Counter(PLACEHOLDER.findall(english[-1])) != Counter(PLACEHOLDER.findall(translated))
    ]
    assert wrong == []


def test_sentences_end_with_a_japanese_full_stop(catalog: object) -> None:
    wrong = [
        (english, translated)
        for english, translations in _pairs(catalog)
        for translated in translations
        if translated and (english[-1][-1] == ".") != (translated[-1] == "。")
    ]
    assert wrong == []


def test_translations_are_in_japanese(catalog: object) -> None:
    wrong = [text for _, translations in _pairs(catalog) for text in translations if text and not LETTERS.search(text)]
    assert wrong == []


def test_no_blank_separates_an_ascii_word_from_japanese(catalog: object) -> None:
    spaced = [
        text
        for _, translations in _pairs(catalog)
        for text in translations
        for run in re.findall("(?<=[^ -~])[ -~]+(?=[^ -~])", text)
        if run != run.strip() and " " not in run.strip()
    ]
    assert spaced == []


def test_a_marked_message_is_found(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("# Translators: a day\nngettext('{n} day', '{n} days', n), gettext('One ' 'text.'), N_('Two')\n")
    page = tmp_path / "page.html"
    page.write_text(
        "<p title=\"{{ _('Title') }}\">{{ gettext('{n} hours').format(n=3) }}</p>{{ ngettext('a', 'b', n) }}"
    )
    marked = [*catalogs.marked(code, "python", tmp_path), *catalogs.marked(page, "jinja2", tmp_path)]
    assert [text.message for text in marked] == [
        ("{n} day", "{n} days"), "One text.", "Two", "Title", "{n} hours", ("a", "b"),
    ]  # fmt: skip
    assert marked[0].note == "Translators: a day"


def test_every_phrase_is_recognised_in_a_text(catalog: object) -> None:
    for each in catalog:  # type: ignore[attr-defined]
        if each.context == CONTEXT:
            parts = [(literal, name) for literal, name, _, _ in Formatter().parse(each.id) if name]
            values = {
                name: f"{number + 101}" * bool(literal or not number) for number, (literal, name) in enumerate(parts)
            }
            assert reworded(each.id.format(**values), JAPANESE) == each.string.format(**values)


def test_strings_of_several_words_are_phrases(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        '"""A docstring of a module."""\n'
        'def look(host, ms):\n    """A docstring of it."""\n'
        "    failed = f\"{_said(host)} took {ms:.0f} s; {host.name} {'failed' if ms else ''}\"\n"
        '    return "no answer came from {host}" if host == "word" else failed\n'
    )
    found = list(catalogs.phrases(code, tmp_path))
    assert [text.message for text in found] == ["{said} took {ms} s", "failed", "no answer came from {host}"]
    assert {text.context for text in found} == {"phrase"}
