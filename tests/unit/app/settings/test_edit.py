"""Additions to settings files laid out in the many ways that people lay them out."""

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
            "[allowlist]\r\npresets = ['smart-transport']\r\n",
            '[allowlist]\r\n# seen twice\r\npresets = [\'smart-transport\', "cucm", "satellite-sync"]\r\n',
            id="line ends of Windows",
        ),
    ],
)
def test_presets_join_those_that_are_there(before: str, after: str) -> None:
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
def test_a_rule_is_added_at_the_end_of_the_file(before: str, after: str) -> None:
    assert edited(before, RULE) == after


def test_a_rule_says_what_is_not_as_by_default() -> None:
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


def test_a_rule_that_only_reported_loses_that_line() -> None:
    rule = RuleTable("B.example.", 8443, private=True, report=True)

    assert edited(REPORTING, Addition(allowing=((rule, ("seen",)),))) == REPORTING.replace(
        "report = true  # for now\n", "# seen\n"
    )


def test_all_of_it_fits_into_one_file() -> None:
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
        pytest.param(
            '[allowlist]\npresets = [\n  "cucm", # [1]\n  "satellite-sync",\n]\n', id="a bracket in a comment"
        ),
        pytest.param('["allowlist"]\nmode = "report"\n', id="a quoted header"),
        pytest.param('[allowlist]\npresets = ["cucm" # the "family"\n]\n', id="quotes in a comment"),
        pytest.param("[allowlist]\n\"presets\" = ['cucm']\n", id="a quoted key"),
    ],
)
def test_a_layout_that_is_not_understood_is_left_alone(text: str) -> None:
    msgspec.convert(tomllib.loads(text), File)
    with pytest.raises(SettingsEditError):
        edited(text, PRESETS)


def test_rules_in_one_line_are_left_alone() -> None:
    text = '[allowlist]\nrule = [{ host = "a.example", report = true }]\n'

    with pytest.raises(SettingsEditError):
        edited(text, RULE)
    with pytest.raises(SettingsEditError):
        edited(text, Addition(allowing=((RuleTable("a.example", report=True), ()),)))


def test_what_is_to_be_put_in_by_hand_is_the_same() -> None:
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
def test_whatever_the_layout_it_is_done_right_or_not_at_all(lines: list[str], newline: str, ended: bool) -> None:
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
