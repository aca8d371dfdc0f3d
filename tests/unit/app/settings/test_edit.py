"""Additions to settings files in the many layouts that people write."""

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.settings.edit import Addition, SettingsEditError, edited, written
from licensegate.app.settings.schema import File, RuleTable

PRESETS = Addition(presets=("cucm", "satellite-sync"), presets_comment=("seen twice",))
RULE = Addition(rules=((RuleTable("a.example.org"), ("seen once",)),))
TERMS = Addition(rules=((RuleTable("a.example.org", 8443, private=True, require_tls=False), ("one", "two")),))

SEEN = "# seen twice\n"
BLOCK = '# seen once\n[[allowlist.rule]]\nhost = "a.example.org"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "", f'[allowlist]\n{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\n', id="an empty file"
        ),
        pytest.param(
            "\n[log]\nlevel = 'info'",
            "\n[log]\nlevel = 'info'\n\n[allowlist]\n"
            f'{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\n',
            id="no allowlist, and no end of the last line",
        ),
        pytest.param(
            '[allowlist] # where to\nmode = "report"\n',
            f'[allowlist] # where to\n{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\nmode = "report"\n',
            id="an allowlist without presets",
        ),
        pytest.param(
            "[allowlist]",
            f'[allowlist]\n{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\n',
            id="a header at the very end",
        ),
        pytest.param(
            '# mine\n[[allowlist.rule]]\nhost = "b.example"\n',
            '# mine\n[[allowlist.rule]]\nhost = "b.example"\n\n[allowlist]\n'
            f'{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\n',
            id="rules without an allowlist",
        ),
        pytest.param(
            '[allowlist]\npresets = ["smart-transport"] # one\nmode = "report"\n',
            f'[allowlist]\n{SEEN}presets = ["smart-transport", "cucm", "satellite-sync"] # one\nmode = "report"\n',
            id="a list on one line",
        ),
        pytest.param(
            "[allowlist]\npresets = ['smart-transport', ]\n",
            f'[allowlist]\n{SEEN}presets = [\'smart-transport\', "cucm", "satellite-sync", ]\n',
            id="a last comma",
        ),
        pytest.param(
            "[allowlist]\npresets = []\n",
            f'[allowlist]\n{SEEN}presets = ["cucm", "satellite-sync"]\n',
            id="an empty list",
        ),
        pytest.param(
            '[allowlist]\npresets = [\n    "smart-transport", # why\n    "cisco-licensing"  # why not\n]\n',
            f'[allowlist]\n{SEEN}presets = [\n    "smart-transport", # why\n    "cisco-licensing",  # why not\n'
            '    "cucm",\n    "satellite-sync",\n]\n',
            id="a list over several lines",
        ),
        pytest.param(
            'allowlist.presets = ["smart-transport"]\nlog.level = "info"\n',
            f'{SEEN}allowlist.presets = ["smart-transport", "cucm", "satellite-sync"]\nlog.level = "info"\n',
            id="a dotted key",
        ),
        pytest.param(
            '[allowlist]\npresets = [\n  "smart-transport", # [1]\n  "catalyst-center",\n]\n',
            f'[allowlist]\n{SEEN}presets = [\n  "smart-transport", # [1]\n  "catalyst-center",\n'
            '  "cucm",\n  "satellite-sync",\n]\n',
            id="a bracket in a comment",
        ),
        pytest.param(
            '[allowlist]\npresets = ["smart-transport" # the "family"\n]\n',
            f'[allowlist]\n{SEEN}presets = ["smart-transport", # the "family"\n    "cucm",\n    "satellite-sync"\n]\n',
            id="quotes in a comment",
        ),
        pytest.param(
            '["allowlist"]\nmode = "report"\n',
            f'["allowlist"]\n{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\nmode = "report"\n',
            id="a quoted header",
        ),
        pytest.param(
            "[allowlist]\n\"presets\" = ['smart-transport']\n",
            f'[allowlist]\n{SEEN}"presets" = [\'smart-transport\', "cucm", "satellite-sync"]\n',
            id="a quoted key",
        ),
        pytest.param(
            '[[allowlist.rule]]\nhost = "b.example"\n[log]\n[allowlist]\nmode = "report"\n',
            '[[allowlist.rule]]\nhost = "b.example"\n[log]\n[allowlist]\n'
            f'{SEEN}presets = ["cisco-licensing", "cucm", "satellite-sync"]\nmode = "report"\n',
            id="an allowlist in two places",
        ),
        pytest.param(
            "[allowlist]\r\npresets = ['smart-transport']\r\n",
            '[allowlist]\r\n# seen twice\r\npresets = [\'smart-transport\', "cucm", "satellite-sync"]\r\n',
            id="line ends of Windows",
        ),
    ],
)
def test_presets_are_added_in_the_layout_of_the_list(before: str, after: str) -> None:
    assert edited(before, PRESETS) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", BLOCK, id="an empty file"),
        pytest.param("# nothing yet", f"# nothing yet\n\n{BLOCK}", id="a comment"),
        pytest.param("\ufeff[log]\n", f"\ufeff[log]\n\n{BLOCK}", id="a byte order mark"),
        pytest.param(
            '[[allowlist.rule]]\nhost = "b.example"\n\n[log]\nlevel = "info"\n',
            f'[[allowlist.rule]]\nhost = "b.example"\n\n[log]\nlevel = "info"\n\n{BLOCK}',
            id="another rule",
        ),
    ],
)
def test_rule_is_added_at_the_end_of_the_file(before: str, after: str) -> None:
    assert edited(before, RULE) == after


def test_rule_has_only_keys_that_differ_from_the_default() -> None:
    assert edited("", TERMS) == (
        '# one\n# two\n[[allowlist.rule]]\nhost = "a.example.org"\nport = 8443\nprivate = true\nrequire_tls = false\n'
    )


REPORTING = """\
[[allowlist.rule]]
host = "a.example"
report = true
[[allowlist.rule]]
host = "B.example."
port = 8443
report = true  # for now
private = true

[limits]
tunnels = 5
"""


def test_reporting_rule_loses_its_report_line() -> None:
    rule = RuleTable("B.example.", 8443, private=True, report=True)

    assert edited(REPORTING, Addition(allowing=((rule, ("seen",)),))) == REPORTING.replace(
        "report = true  # for now\n", "# seen\n"
    )


def test_presets_rules_and_allowing_go_into_one_file() -> None:
    rule = RuleTable("a.example", report=True)
    addition = Addition(PRESETS.presets, PRESETS.presets_comment, RULE.rules, ((rule, ("seen",)),))

    allowlist = msgspec.convert(tomllib.loads(edited(REPORTING, addition)), File).allowlist

    assert allowlist.presets == ("cisco-licensing", "cucm", "satellite-sync")
    assert [(rule.host, rule.report) for rule in allowlist.rule] == [
        ("a.example", False),
        ("B.example.", True),
        ("a.example.org", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('allowlist = { presets = ["cucm"] }\n', id="an inline table"),
        pytest.param('allowlist.mode = "report"\nlog.level = "info"\n', id="dotted keys without presets"),
    ],
)
def test_layout_without_place_for_a_comment_is_refused(text: str) -> None:
    msgspec.convert(tomllib.loads(text), File)
    with pytest.raises(SettingsEditError):
        edited(text, PRESETS)


def test_value_outside_ascii_is_written_as_it_is() -> None:
    rule = RuleTable("a.example.org", users=("j\u00f8rgen \U0001f600",))

    assert edited("", Addition(rules=((rule, ()),))).endswith('users = ["j\u00f8rgen \U0001f600"]\n')


def test_rules_in_an_inline_list_are_refused() -> None:
    text = '[allowlist]\nrule = [{ host = "a.example", report = true }]\n'

    with pytest.raises(SettingsEditError):
        edited(text, RULE)
    with pytest.raises(SettingsEditError):
        edited(text, Addition(allowing=((RuleTable("a.example", report=True), ()),)))


def test_lines_to_paste_are_those_of_the_edit() -> None:
    rule = RuleTable("b.example", report=True)
    addition = Addition(PRESETS.presets, PRESETS.presets_comment, RULE.rules, ((rule, ("seen",)),))

    assert written(addition, ["smart-transport"]) == (
        f'{SEEN}presets = ["smart-transport", "cucm", "satellite-sync"]\n\n'
        f'# seen\n[[allowlist.rule]]\nhost = "b.example"\n\n{BLOCK}'
    )


lines = st.lists(
    st.sampled_from(
        [
            "",
            "# presets = []",
            "[allowlist]",
            'presets = ["smart-transport"]',
            "presets = [",
            '"catalyst-center",',
            "'satellite-sync' # ]",
            "]",
            'mode = "report"',
            "[[allowlist.rule]]",
            'host = "b.example"',
            "report = true",
            "[log]",
            'level = "info"',
        ]
    ),
    max_size=8,
)


@given(lines, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_layout_is_edited_correctly_or_refused(lines: list[str], newline: str, ended: bool) -> None:
    text = newline.join(lines) + newline * ended
    try:
        result = edited(text, Addition(PRESETS.presets, PRESETS.presets_comment, RULE.rules))
    except SettingsEditError:
        return
    before, after = (msgspec.convert(tomllib.loads(each), File).allowlist for each in (text, result))

    assert after.presets == before.presets + PRESETS.presets
    assert after.rule == (*before.rule, RULE.rules[0][0])
    kept = iter(result.splitlines())
    assert all(line in kept for line in lines if line and not line.startswith(("presets", "'", '"'))), "in their order"
