"""What a reload says of settings that differ."""

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from licensegate.app.settings import load
from licensegate.app.settings.changes import TABLE_NAMES, from_defaults, setting_changes
from licensegate.app.settings.schema import File, Table, values
from licensegate.records.setting_change import SettingChange, in_words


def change(tmp_path: Path, before: str, after: str) -> list[str]:
    written = []
    for text in (before, after):
        (tmp_path / "gate.toml").write_text(text)
        written.append(load(tmp_path / "gate.toml", {}).written)
    return in_words(setting_changes(*written))


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


RULES = """
[[allowlist.rule]]
host = "a.test"
{a}
[[allowlist.rule]]
host = "b.test"
users = ["ann"]
"""


def test_of_a_table_that_stays_only_what_differs_is_named(tmp_path: Path) -> None:
    assert change(tmp_path, RULES.format(a=""), RULES.format(a='private = true\nusers = ["bob"]')) == [
        'allowlist.rule.private of "a.test:443" from false to true',
        'allowlist.rule.users of "a.test:443" adds "bob"',
    ]


def test_another_order_of_tables_is_a_change(tmp_path: Path) -> None:
    parents = ['[[parent]]\nurl = "http://a.test:8080"\n', '[[parent]]\nurl = "http://b.test:8080"\n']

    assert change(tmp_path, "".join(parents), "".join(reversed(parents))) == ["parent in another order"]


def test_a_user_name_at_a_parent_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of-the-parent")
    parent = '[[parent]]\nurl = "http://a.test:8080"\nusername = "{}"\npassword_file = "password"\n'
    first, second = parent.format("alice"), parent.format("bertha")

    assert change(tmp_path, first, second) == ['another value in parent.username of "http://a.test:8080"']
    (added,) = change(tmp_path, "", first)
    assert "(set, not shown)" in added
    assert "alice" not in added


def test_every_list_of_tables_has_a_key_that_names_its_tables() -> None:
    lists = set()
    for key in values(File()):
        kind: object = File
        for step in key.split("."):
            kind = get_type_hints(kind)[step]
        if any(isinstance(item, type) and issubclass(item, Table) for item in get_args(kind)):
            lists.add(key)

    assert lists == set(TABLE_NAMES)


def test_two_tables_of_one_name_are_told_apart(tmp_path: Path) -> None:
    listener = '[[listen]]\naddress = "127.0.0.1:0"\n'

    assert change(tmp_path, listener, listener * 2) == ['listen adds {address = "127.0.0.1:0"}']


def test_a_start_names_what_differs_from_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[limits]\ntunnels = 7\n")

    assert list(from_defaults(load(tmp_path / "gate.toml", {}).written)) == [
        SettingChange("limits.tunnels", "", 4096, 7)
    ]
