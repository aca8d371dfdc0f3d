"""What a reload says of settings that differ."""

from pathlib import Path

import pytest

from licensegate.app.settings import load
from licensegate.app.settings.changes import named, setting_changes


def change(tmp_path: Path, before: str, after: str) -> list[str]:
    written = []
    for text in (before, after):
        (tmp_path / "gate.toml").write_text(text)
        written.append(load(tmp_path / "gate.toml", {}).written)
    return list(setting_changes(*written))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param("", "", [], id="nothing"),
        pytest.param("", "[limits]\ntunnels = 5000\n", ["limits.tunnels from 4096 to 5000"], id="a number"),
        pytest.param(
            '[log]\nlevel = "debug"\n', '[log]\nlevel = "error"\n', ['log.level from "debug" to "error"'], id="a text"
        ),
        pytest.param("[tunnel]\nrequire_tls = false\n", "", ["tunnel.require_tls from false to true"], id="a default"),
        pytest.param(
            '[clients]\nnetworks = ["10.0.0.0/8"]\n',
            '[clients]\nnetworks = ["10.1.0.0/16", "10.2.0.0/16"]\n',
            ['clients.networks adds "10.1.0.0/16", "10.2.0.0/16" and removes "10.0.0.0/8"'],
            id="a list",
        ),
        pytest.param(
            '[clients]\nnetworks = ["10.1.0.0/16", "10.2.0.0/16"]\n',
            '[clients]\nnetworks = ["10.2.0.0/16", "10.1.0.0/16"]\n',
            ["clients.networks in another order"],
            id="an order",
        ),
        pytest.param(
            '[[listen]]\naddress = "10.0.0.9:3128"\n',
            '[[allowlist.rule]]\nhost = "ssm.example.net"\nport = 8443\nprivate = true\n',
            [
                'listen removes {address = "10.0.0.9:3128"}',
                'allowlist.rule adds {host = "ssm.example.net", port = 8443, private = true}',
            ],
            id="tables",
        ),
        pytest.param(
            'announce = "gate"\n[tls]\nnames = ["a", "b", "c", "d", "e", "f", "g"]\n',
            "",
            ['announce from "gate" to ""', 'tls.names removes "a", "b", "c", "d", "e" and 2 more'],
            id="many items",
        ),
    ],
)
def test_each_changed_setting_is_named_with_both_values(
    tmp_path: Path, before: str, after: str, said: list[str]
) -> None:
    assert change(tmp_path, before, after) == said


def test_a_long_value_is_cut_and_stays_on_one_line(tmp_path: Path) -> None:
    (said,) = change(tmp_path, "", f'[[allowlist.rule]]\nhost = "{"x" * 60}.test"\nusers = ["{"é" * 200}"]\n')

    assert said.startswith('allowlist.rule adds {host = "xxx')
    assert said.endswith("...")
    assert len(said) < 110


def test_names_beyond_the_first_five_are_counted() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdefg")) == "a, b, c, d, e and 2 more"
