"""The presets that are shipped, and how strictly a preset's file is read."""

from pathlib import Path

import pytest

from licensegate.allowlist.preset import Preset, PresetError, load_presets

PRESETS = load_presets()

GOOD = """
title = "For a test"
[[entry]]
host = "tools.cisco.com"
port = 443
why = "a reason"
source = "a document"
verified = true
"""

BAD: dict[str, tuple[str | bytes, str]] = {
    "not TOML": ("title = ", "good.toml: "),
    "not UTF-8": (b"title = '\xff'", "good.toml: "),
    "no title": (GOOD.replace("title", "# title"), "missing required field `title`"),
    "no entry": ('title = "For a test"\nentry = []', "length >= 1 - at `$.entry`"),
    "unknown key": (GOOD.replace("title", "name = 'x'\ntitle"), "unknown field `name`"),
    "unknown key of an entry": (GOOD + "ports = [1]", "unknown field `ports` - at `$.entry[0]`"),
    "no source": (GOOD.replace("source", "# source"), "missing required field `source` - at `$.entry[0]`"),
    "empty reason": (GOOD.replace("a reason", ""), "at `$.entry[0].why`"),
    "port as text": (GOOD.replace("443", "'443'"), "at `$.entry[0].port`"),
    "port out of range": (GOOD.replace("443", "65536"), "at `$.entry[0].port`"),
    "host not in its normal form": (GOOD.replace("tools", "Tools"), "'Tools.cisco.com' is not a host name"),
    "wildcard": (GOOD.replace("tools", "*"), "a wildcard is not allowed here"),
    "address": (GOOD.replace("tools.cisco.com", "192.0.2.1"), "'192.0.2.1' is not a host name"),
    "the same twice": (GOOD + GOOD.split('test"')[1], "tools.cisco.com:443 is listed twice"),
}


def hosts(name: str, *, verified: bool | None = None) -> set[str]:
    return {entry.host for entry in PRESETS[name].entries if verified in (None, entry.verified)}


def test_default_preset_is_ciscos_three_hosts_only() -> None:
    assert [(entry.host, entry.port) for entry in PRESETS["cisco-licensing"].entries] == [
        ("tools.cisco.com", 443),
        ("api.cisco.com", 443),
        ("cloudsso.cisco.com", 443),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smart-transport", {"smartreceiver.cisco.com"}),
        ("cucm", {"tools.cisco.com", "smartreceiver.cisco.com"}),
    ],
)
def test_preset_of_a_product_names_its_hosts(name: str, expected: set[str]) -> None:
    assert hosts(name) == expected


def test_satellite_preset_marks_undocumented_hosts_unverified() -> None:
    assert hosts("satellite-sync", verified=True) == hosts("cisco-licensing")
    assert hosts("satellite-sync", verified=False) == {"swapi.cisco.com", "id.cisco.com", "apx.cisco.com"}


@pytest.mark.parametrize("name", ["smart-account-api", "catalyst-center"])
def test_presets_from_old_or_third_party_sources_are_unverified(name: str) -> None:
    assert hosts(name, verified=True) == set()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_every_preset_names_ciscos_hosts_on_443(preset: Preset) -> None:
    for entry in preset.entries:
        assert entry.host.endswith(".cisco.com")
        assert entry.port == 443


def test_presets_are_sorted_by_name() -> None:
    assert list(PRESETS) == sorted(PRESETS)
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)


def test_file_without_a_toml_suffix_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "README").write_text("not a preset")
    assert list(load_presets(tmp_path)) == ["good"]


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_invalid_file_is_refused_by_name(case: tuple[str | bytes, str], tmp_path: Path) -> None:
    content, flaw = case
    (tmp_path / "good.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PresetError) as caught:
        load_presets(tmp_path)
    assert str(caught.value).startswith("good.toml: ")
    assert flaw in str(caught.value)
