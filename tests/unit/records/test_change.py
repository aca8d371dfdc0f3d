"""A change as a line of JSON and as a sentence."""

import json

import pytest

from licensegate.records.change import LONGEST_LINE, ChangeKind, GateProcess, InForce, change_of, encoded
from licensegate.records.requester import CHANGED_FILES, Requester
from licensegate.records.setting_change import SettingChange

GATE = GateProcess(4711, "1.2.3")
ROOT = Requester(0, "root", 815)


@pytest.mark.parametrize(
    ("requester", "text"),
    [
        (ROOT, "uid 0 (root, process 815)"),
        (Requester(4242), "uid 4242"),
        (Requester(4242, pid=9), "uid 4242 (process 9)"),
        (Requester(signal="SIGHUP"), "SIGHUP"),
        (Requester(address="192.0.2.1", session="c0ffee00"), "the admin pages, from 192.0.2.1"),
        (CHANGED_FILES, "changed files"),
    ],
    ids=str,
)
def test_the_asker_is_named(requester: Requester, text: str) -> None:
    assert str(requester) == text


@pytest.mark.parametrize(
    ("kind", "ok", "sentence"),
    [
        (ChangeKind.START, True, "ready: so"),
        (ChangeKind.STOP, True, "stopping: so"),
        (ChangeKind.RELOAD, True, "reload requested by uid 0 (root, process 815): so"),
        (ChangeKind.REVOKE, False, "revoke requested by uid 0 (root, process 815) refused: so"),
        (ChangeKind.USERS, True, "so"),
    ],
)
def test_the_service_log_says_it_in_a_sentence(kind: ChangeKind, ok: bool, sentence: str) -> None:
    assert change_of(kind, (ROOT,), "so", GATE, ok=ok).message == sentence


def test_all_who_asked_are_named() -> None:
    both = (ROOT, Requester(signal="SIGHUP"))

    said = change_of(ChangeKind.RELOAD, both, "so", GATE).message

    assert said == "reload requested by uid 0 (root, process 815) and SIGHUP: so"


def test_a_line_has_what_is_known_and_nothing_else() -> None:
    change = change_of(
        ChangeKind.RELOAD,
        (ROOT,),
        "limits.tunnels from 1 to 2",
        GATE,
        settings=(SettingChange("limits.tunnels", before=1, after=2), SettingChange("tls.names", added=("a",))),
        before=InForce("aa", "cc"),
        after=InForce("bb", "cc"),
    )

    line = json.loads(encoded(change))

    assert line.pop("time").endswith("Z")
    assert line == {
        "schema": 1,
        "event": "change",
        "kind": "reload",
        "ok": True,
        "by": [{"uid": 0, "user": "root", "pid": 815}],
        "level": "info",
        "message": "reload requested by uid 0 (root, process 815): limits.tunnels from 1 to 2",
        "process": {"pid": 4711, "version": "1.2.3"},
        "settings": [{"setting": "limits.tunnels", "before": 1, "after": 2}, {"setting": "tls.names", "added": ["a"]}],
        "before": {"settings": "aa", "policy": "cc"},
        "after": {"settings": "bb", "policy": "cc"},
    }


def test_a_line_that_would_be_too_long_counts_what_it_leaves_out() -> None:
    many = tuple(SettingChange("client", f"client {number}", after={"name": "x" * 90}) for number in range(5000))

    line = encoded(change_of(ChangeKind.RELOAD, (ROOT,), "so", GATE, settings=many))

    assert len(line) < LONGEST_LINE
    told = json.loads(line)
    assert len(told["settings"]) + told["settings_left_out"] == len(many)
    assert told["settings"][0]["item"] == "client 0"


def test_a_line_counts_the_tunnels_that_it_leaves_out() -> None:
    ended = tuple(f"{number:018x}" for number in range(10_000))
    line = encoded(change_of(ChangeKind.REVOKE, (ROOT,), "all of them", GATE, tunnels=ended))

    read = json.loads(line)
    assert len(line) < LONGEST_LINE
    assert len(read["tunnels"]) + read["tunnels_left_out"] == len(ended)
    assert tuple(read["tunnels"]) == ended[: len(read["tunnels"])] != ()


def test_one_value_longer_than_a_line_is_left_out() -> None:
    huge = SettingChange("tls.names", added=("x" * LONGEST_LINE,))

    told = json.loads(encoded(change_of(ChangeKind.RELOAD, (ROOT,), "so", GATE, settings=(huge,))))

    assert "settings" not in told
    assert told["settings_left_out"] == 1


def test_long_lists_are_shortened_before_settings_are_left_out() -> None:
    users = SettingChange("users", added=tuple(f"user{number:05}" for number in range(14_000)), another=("ann",))
    limit = SettingChange("limits.tunnels", before=1, after=2)

    told = json.loads(encoded(change_of(ChangeKind.USERS, (ROOT,), "so", GATE, settings=(users, limit))))

    assert "settings_left_out" not in told
    first, second = told["settings"]
    assert (len(first["added"]), first["another"], first["left_out"]) == (1000, ["ann"], 13_000)
    assert second == {"setting": "limits.tunnels", "before": 1, "after": 2}


def test_a_place_may_have_less_room() -> None:
    many = tuple(SettingChange("client", f"client {number}", after={"name": "x" * 90}) for number in range(400))
    change = change_of(ChangeKind.RELOAD, (ROOT,), "so", GATE, settings=many, tunnels=("id",) * 1000)

    told = json.loads(encoded(change, 7168))

    assert len(encoded(change, 7168)) < 7168
    assert len(told["tunnels"]) + told["tunnels_left_out"] == 1000
    assert len(told["settings"]) + told["settings_left_out"] == len(many)


def test_a_path_that_is_not_utf_8_is_escaped() -> None:
    change = change_of(ChangeKind.RELOAD, (ROOT,), "gate-\udcff.toml", GATE)

    assert json.loads(encoded(change))["message"].endswith(": gate-\\udcff.toml")
