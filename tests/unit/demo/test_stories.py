"""The table of stories, and the page that is made from it."""

import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from licensegate.demo.gate import DemoGate, settings_text
from licensegate.demo.parent import CorporateProxy
from licensegate.demo.programme import programme
from licensegate.demo.stories import STORIES, told
from licensegate.language.language import ENGLISH, JAPANESE

ROOT = Path(__file__).parents[3]
GATE = DemoGate(3128, "127.0.0.1:9130", Path("/tmp/demo/licensegate.toml"))


def test_the_page_is_made_from_the_table() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "demo_page.py"], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")

    assert page == made.stdout, "run: python scripts/demo_page.py > docs/demo.md"


def test_each_story_has_a_client_of_its_own_on_loopback() -> None:
    names = {story.client.name for story in STORIES}
    addresses = {ip_address(story.client.address) for story in STORIES}

    assert len(names) == len(addresses) == len(STORIES)
    assert all(address.is_loopback for address in addresses)


def test_without_a_parent_its_story_is_left_out_and_said_to_be() -> None:
    stories = told(with_parent=False)
    printed = "\n".join(programme(ENGLISH, GATE, stories, goes_on=False))

    assert [story.client.name for story in STORIES if story not in stories] == ["CUCM Sapporo"]
    assert "CUCM Sapporo: " not in printed
    assert (
        "Left out, with the company's proxy: CUCM Sapporo. That needs the package proxy.py; install the extra demo, "
        "licensegate[demo]."
    ) in printed


@pytest.mark.parametrize("language", [ENGLISH, JAPANESE], ids=lambda language: language.code)
def test_the_programme_says_what_happens_and_where_to_see_it(language: object) -> None:
    assert language in (ENGLISH, JAPANESE)
    printed = "\n".join(programme(language, GATE, STORIES, goes_on=True))

    for story in STORIES:
        assert f"{story.client.name}: {language.gettext(story.happens)}\n" in printed
        assert f"http://127.0.0.1:9130{story.path}\n" in printed
    assert "licensegate reload --config /tmp/demo/licensegate.toml" in printed
    assert ("What to look at" in printed) is (language is ENGLISH)


def test_the_settings_lead_names_to_loopback_and_listen_there() -> None:
    parent = CorporateProxy(8080, "secret of the parent")
    clients = [story.client for story in STORIES]
    text = settings_text({"tools.cisco.com": 9443}, clients, parent, Path("/tmp/demo/root.pem"))

    assert 'connect_to = ["tools.cisco.com:443:127.0.0.1:9443"]' in text
    assert text.count('"127.0.0.1:0"') == 2
    assert 'url = "http://127.0.0.1:8080"' in text
    assert parent.password not in text
