"""Answers on a terminal: they fit its width, nothing of a client acts on it, and colours are not needed to read it."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from licensegate.app.screen.clients import client_list
from licensegate.app.screen.drawn import drawing, fitting
from licensegate.app.screen.refusals import refusal_list
from licensegate.app.screen.status import status
from licensegate.app.screen.tables import Block, Column, TableRow, TextTable
from licensegate.app.screen.tunnels import tunnel_list
from licensegate.app.screen.values import Values
from licensegate.language.language import LANGUAGES, Language, language_named
from support import overview_answers as answers

FOR_PEOPLE = Values(LANGUAGES[0], answers.NOW, for_people=True)
LONG = TextTable(
    "",
    (Column("Name"), Column("Address", gives_way=1), Column("Program", gives_way=2), Column("Parent", gives_way=3)),
    [TableRow(("n" * 20, "a" * 20, "p" * 20, "-"))],
)


def drawn(blocks: list[Block], width: int, *, coloured: bool = False, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    colours = "standard" if coloured else None
    console = Console(file=file, width=width, force_terminal=coloured, color_system=colours, highlight=False)  # type: ignore[arg-type]
    console.print(drawing(blocks, console))
    file.seek(0)
    return file.read()


@pytest.mark.parametrize("language", LANGUAGES, ids=repr)
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int, language: Language) -> None:
    blocks = status(answers.overview(), Values(language, answers.NOW, for_people=True))
    assert max(map(cell_len, drawn(blocks, width).splitlines())) <= width


@pytest.mark.parametrize("width", [20, 80])
def test_facts_can_be_read_at_any_width(width: int) -> None:
    words = drawn(status(answers.overview(), FOR_PEOPLE), width).split()
    assert "enforced" in words
    assert "0.0.0.0:3128" in words


@pytest.mark.parametrize(("width", "places"), [(70, [0, 1, 2]), (50, [0, 1]), (30, [0]), (12, [0])])
def test_columns_give_way_and_the_last_is_cut(width: int, places: list[int]) -> None:
    shown = fitting(LONG, width)
    assert [place for place, _ in shown] == places
    assert shown[0][1] == min(20, width)
    assert ("n…" in drawn([LONG], width)) is (width == 12)


def test_what_happened_and_what_to_change_stand_below() -> None:
    text = drawn(refusal_list(answers.refusal_list(), FOR_PEOPLE), 80)
    assert text.splitlines()[2:] == [
        "    smartreceiver.cisco.com:443 is not in the allowlist, but the preset cucm",
        "    would allow it.",
        "    → Add that preset to allowlist.presets.",
    ]


def test_a_client_that_is_all_right_has_no_sentence() -> None:
    text = drawn(client_list(answers.client_list(), FOR_PEOPLE), 120)
    assert "CUCM ship has made no contact for 75 days." in text
    assert "It reached Cisco" not in text


def test_values_are_those_that_people_read() -> None:
    text = drawn(tunnel_list(answers.tunnel_list(pages=3), FOR_PEOPLE), 120)
    assert "tunnel     3 min  6.1 kB    1.2 MB" in text
    assert text.endswith("Page 1 of 3; the next one: --page 2\n")


def test_an_empty_list_says_so() -> None:
    text = drawn(refusal_list(answers.refusal_list(refusals=[]), FOR_PEOPLE), 80)
    assert text == "Nothing has failed since the gate started.\n"


def test_nothing_from_a_client_acts_on_the_terminal() -> None:
    hostile = "evil\x1b]0;owned\x07\n\u202e[bold]x[/bold]"
    tunnels = [{**answers.TUNNELS[0], "client_name": hostile, "program": hostile}]
    refusals = [{**answers.REFUSALS[0], "sentence": hostile, "remedy": hostile, "target": hostile}]
    text = drawn(status(answers.overview(tunnels=tunnels, refusals=refusals), FOR_PEOPLE), 200)
    assert text.replace("\n", "").isprintable()
    assert "evil\\x1b]0;owned\\x07\\n\\u202e[bold]x[/bold]" in text


def test_levels_are_words_and_colours() -> None:
    blocks = status(answers.overview(), FOR_PEOPLE)
    assert "\x1b[1;31mcritical\x1b[0m" in drawn(blocks, 80, coloured=True)
    assert "critical" in drawn(blocks, 80)


def test_a_terminal_without_unicode_gets_other_signs() -> None:
    text = drawn(refusal_list(answers.refusal_list(), FOR_PEOPLE), 80, encoding="ascii")
    assert "    -> Add that preset to allowlist.presets." in text
    assert text.isascii()


def test_japanese_headings_are_translated() -> None:
    japanese = language_named("ja")
    assert japanese is not None
    values = Values(japanese, answers.NOW, for_people=True)
    text = drawn(tunnel_list(answers.tunnel_list(), values), 80)
    assert "クライアント" in text
