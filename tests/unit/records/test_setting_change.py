"""The words for settings that differ."""

import pytest

from licensegate.records.setting_change import CERTIFICATE, CLIENT_AUTHORITIES, USERS, SettingChange, in_words, named


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(SettingChange("a.b", before=1, after=2), ["a.b from 1 to 2"], id="a value"),
        pytest.param(SettingChange("a.b", after="x"), ['a.b from unset to "x"'], id="unset before"),
        pytest.param(SettingChange("a.b", added=("x",), removed=("y",)), ['a.b adds "x" and removes "y"'], id="a list"),
        pytest.param(
            SettingChange("a.b", before=("x", "y"), after=("y", "x")), ["a.b in another order"], id="an order"
        ),
        pytest.param(SettingChange("a.b", hidden="key"), ["another key in a.b"], id="a secret"),
        pytest.param(SettingChange("a.b", "c", True, False), ['a.b of "c" from true to false'], id="of a table"),
        pytest.param(SettingChange("a", "c", after={"n": 1, "m": False}), ["a adds {n = 1}"], id="a table"),
        pytest.param(
            SettingChange(USERS, added=("ann", "bob"), another=("cid",)),
            ["2 users added: ann, bob", "1 user with another password: cid"],
            id="users",
        ),
        pytest.param(
            SettingChange(CERTIFICATE, before={"sha256": "AA"}, after={"sha256": "BB"}),
            ["a new certificate is in force, SHA-256 BB"],
            id="a certificate",
        ),
        pytest.param(
            SettingChange(CLIENT_AUTHORITIES, after="AA"),
            ["other authorities or revocation lists for clients' certificates"],
            id="authorities",
        ),
    ],
)
def test_a_change_is_said_in_words(change: SettingChange, said: list[str]) -> None:
    assert in_words([change]) == said


def test_tables_that_came_and_went_share_a_sentence() -> None:
    rules = [
        SettingChange("rule", "a", before={"n": 1}),
        *(SettingChange("rule", str(n), after={"n": n}) for n in (2, 3)),
    ]

    assert in_words(rules) == ["rule adds {n = 2}, {n = 3} and removes {n = 1}"]


def test_after_twenty_sentences_the_others_are_counted() -> None:
    said = in_words(SettingChange(f"a.{number}", before=1, after=2) for number in range(1000))

    assert (len(said), said[-1]) == (21, "980 more changes")


def test_text_that_does_not_print_is_escaped() -> None:
    (said,) = in_words([SettingChange("a", before="x\u202ey", after=["\x1b[2J"])])

    assert said.isprintable()


def test_names_beyond_the_first_five_are_counted() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdefg")) == "a, b, c, d, e and 2 more"
