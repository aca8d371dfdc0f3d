"""The pages: every template in every language, with values that others chose."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import licensegate.app.admin
from licensegate.app.admin.html import Frame, page_pieces
from licensegate.language.language import ENGLISH, JAPANESE, LANGUAGES, Language
from support.overview_values import NOON, client_list, client_row, every_page

FOLDER = Path(licensegate.app.admin.__file__).parent
STYLE = (FOLDER / "static" / "style.css").read_text(encoding="utf-8")
VOID = {"meta", "link", "input", "br"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}{0.__class__}\u202egnp"


class Elements(HTMLParser):
    """The elements of a page, and whether each was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()


def frame(language: Language = ENGLISH, **more: object) -> Frame:
    values = {"path": "/clients", "version": "0.1.0", "made_at": NOON, "form_token": "word"} | more
    return Frame(language=language, **values)  # type: ignore[arg-type]


def page(template: str, name: str = "CUCM Osaka", **more: object) -> str:
    return b"".join(page_pieces(template, frame(**more), **every_page(name)[template])).decode()  # type: ignore[arg-type]


def test_every_template_has_a_value_here() -> None:
    shared = {"base.html", "marks.html"}
    assert {file.name for file in (FOLDER / "templates").iterdir()} - shared == set(every_page())


@pytest.mark.parametrize("language", LANGUAGES, ids=repr)
@pytest.mark.parametrize("template", every_page())
def test_a_page_closes_its_elements_and_has_no_inline_code(template: str, language: Language) -> None:
    elements = Elements(page(template, language=language))
    assert elements.open == []
    names = {name for name, _ in elements.attributes}
    assert "style" not in names | elements.names
    assert not [name for name in names if name.startswith("on")]
    identities = [value for name, value in elements.attributes if name == "id"]
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize("template", every_page())
def test_text_of_others_stays_text(template: str) -> None:
    harmless, hostile = Elements(page(template)), Elements(page(template, HOSTILE))
    assert hostile.names == harmless.names
    assert {name for name, _ in hostile.attributes} == {name for name, _ in harmless.attributes}
    assert "<img" not in page(template, HOSTILE)


def test_a_very_long_name_is_cut() -> None:
    row = client_row("n" * 10_000, key="named:1", sentence="", finding_sentence="")
    shown = b"".join(page_pieces("clients.html", frame(), shown=client_list(row)))
    assert b"n" * 160 in shown
    assert b"n" * 161 not in shown


@pytest.mark.parametrize("template", every_page())
def test_a_japanese_page_has_no_english_label(template: str) -> None:
    labels = re.findall(r"<(?:dt|h2|label)[^>]*>([^<]+)<", page(template, language=JAPANESE))
    ours = [label for label in labels if label.strip() not in {"TLS", "contact", "authorization", "overage"}]
    assert [label for label in ours if label.isascii()] == []


def test_links_keep_a_language_that_was_chosen() -> None:
    assert 'href="/refusals?lang=ja"' in page("clients.html", language=JAPANESE, chosen=True)
    assert 'href="/refusals"' in page("clients.html", language=JAPANESE)


def test_the_other_language_is_offered_for_the_same_list() -> None:
    shown = page("clients.html", query={"q": "a b", "page": "2"})
    assert 'href="/clients?q=a+b&amp;page=2&amp;lang=ja" lang="ja"' in shown.replace("%20", "+")


@pytest.mark.parametrize(("form_token", "forms"), [("word", 3), ("", 0)])
def test_a_client_has_forms_only_in_a_session(form_token: str, forms: int) -> None:
    assert page("client.html", form_token=form_token).count('action="/client/') == forms


def test_a_refused_form_keeps_what_was_typed() -> None:
    typed = {"text": "line 1\nline 2", "name": "CUCM", "at": "2026-11-30T14:05", "what": "login"}
    values = every_page()["client.html"] | {"typed": typed}
    shown = b"".join(page_pieces("client.html", frame(), **values)).decode()

    assert "\nline 1\nline 2</textarea>" in shown
    for field in ('value="CUCM"', 'value="2026-11-30T14:05"', 'value="login" selected'):
        assert field in shown


def test_the_style_sheet_has_each_class_of_the_templates() -> None:
    used = {
        word
        for file in (FOLDER / "templates").iterdir()
        for value in re.findall(r'class="([^"]+)"', file.read_text(encoding="utf-8"))
        for word in re.sub(r"{{.*?}}|{%.*?%}", " ", value).split()
    }
    assert [word for word in sorted(used) if f".{word}" not in STYLE] == []


def test_importing_the_pages_does_not_load_jinja() -> None:
    code = "import sys, licensegate.app.admin.html; print('jinja2' in sys.modules, 'markupsafe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
