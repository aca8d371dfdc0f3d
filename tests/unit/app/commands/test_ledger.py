"""`licensegate ledger` and `licensegate contact`, on a SQLite ledger."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensegate.app.cli import main
from licensegate.app.commands.contact import read_time, recorder
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ManualEntry, ManualKind
from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.ledger.store import Store
from support.ledger_entries import NOON, answer_of_product, by_hand, failed, success
from support.licence_texts import text_of

SETTINGS = """
[state]
directory = "."
[[client]]
name = "CUCM-PUB Tokyo"
networks = ["10.1.2.3"]
[[client]]
name = "Satellite"
product = "SSM"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "gate.toml"
    file.write_text(SETTINGS)
    return file


def filled(folder: Path) -> Store:
    store = Store(LedgerPlace(folder / FILE_NAME))
    store.open()
    store.add([*success(), *failed(hours=1), by_hand(note="by ship"), answer_of_product()])
    return store


def run(settings: Path, *arguments: str) -> int:
    first, second, *rest = arguments
    return main([first, second, "--config", str(settings), *rest])


def ledger(settings: Path, *arguments: str) -> int:
    return main(["ledger", "--config", str(settings), *arguments])


def manual(folder: Path) -> Sequence[ManualEntry]:
    store = Store(LedgerPlace(folder / FILE_NAME))
    store.open()
    try:
        return sorted(
            (entry for entry in store.entries() if isinstance(entry, ManualEntry)), key=lambda entry: entry.time
        )
    finally:
        store.close()


def test_an_export_moves_a_ledger(settings: Path, tmp_path: Path) -> None:
    store = filled(tmp_path)
    (tmp_path / "new").mkdir()
    other = tmp_path / "new" / "gate.toml"
    other.write_text(SETTINGS)

    assert ledger(settings, "export", str(tmp_path / "ledger.jsonl")) == 0
    assert ledger(other, "import", str(tmp_path / "ledger.jsonl")) == 0
    assert ledger(other, "import", str(tmp_path / "ledger.jsonl")) == 0

    moved = Store(LedgerPlace(other.parent / FILE_NAME))
    moved.open()
    assert list(moved.entries()) == list(store.entries())
    assert (tmp_path / "ledger.jsonl").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".ledger.jsonl-*"))
    store.close()
    moved.close()


@pytest.mark.parametrize("place", [0, 1, 2], ids=["before the action", "behind it", "behind the file"])
def test_the_settings_may_be_named_anywhere(place: int, settings: Path, tmp_path: Path) -> None:
    filled(tmp_path).close()
    words = ["export", str(tmp_path / "out.jsonl")]
    words[place:place] = ["--config", str(settings)]

    assert main(["ledger", *words]) == 0
    assert tmp_path.joinpath("out.jsonl").exists()


def test_an_export_goes_to_standard_output(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path).close()

    assert ledger(settings, "export") == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"ledger": "licensegate", "schema": 3}
    assert [line["kind"] for line in lines[1:]] == ["contact", "day", "hour", "manual", "product"]


def test_an_import_with_a_bad_line_changes_nothing(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = filled(tmp_path)
    before = list(store.entries())
    ledger(settings, "export", str(tmp_path / "ledger.jsonl"))
    text = (tmp_path / "ledger.jsonl").read_text().replace('"connections":2', '"connections":9')
    (tmp_path / "ledger.jsonl").write_text(text + "rubbish\n")

    assert ledger(settings, "import", str(tmp_path / "ledger.jsonl")) == 2

    assert list(store.entries()) == before
    assert "ledger.jsonl: line 7 is not an entry of a ledger: JSON is malformed" in capsys.readouterr().err
    store.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export",), "there is no ledger {folder}/ledger.sqlite3 yet; a gate makes it when it starts"),
        (("import", "{folder}/none"), "{folder}/none: No such file or directory; name a file that can be read"),
    ],
)
def test_a_file_that_is_missing_is_named(
    settings: Path, tmp_path: Path, arguments: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(folder=tmp_path) for argument in arguments]

    try:
        status = ledger(settings, *given)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else -1

    assert status == 2
    assert message.format(folder=tmp_path) in capsys.readouterr().err


def test_without_a_place_the_settings_to_change_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gate.toml").write_text("")

    with pytest.raises(SystemExit, match="2"):
        ledger(tmp_path / "gate.toml", "export")

    assert "no place for a ledger: set state.directory or ledger.url" in capsys.readouterr().err


def test_a_contact_is_recorded_with_who_and_when(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = datetime.now(UTC)

    assert (
        run(settings, "contact", "record", "cucm-pub tokyo", "--at", "2026-03-02T21:00+09:00", "--note", "by ship") == 0
    )

    (entry,) = manual(tmp_path)
    assert (entry.client.name, entry.what, entry.time, entry.note) == (
        "CUCM-PUB Tokyo",
        ManualKind.CONTACT,
        NOON,
        "by ship",
    )
    assert before <= entry.recorded <= datetime.now(UTC)
    assert "(uid " in entry.recorded_by
    assert "CUCM-PUB Tokyo  contact by hand on " in capsys.readouterr().out


def test_a_login_is_recorded_for_a_satellite_only(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings, "contact", "record", "Satellite", "--login") == 0
    assert run(settings, "contact", "record", "CUCM-PUB Tokyo", "--login") == 2

    assert [entry.what for entry in manual(tmp_path)] == [ManualKind.LOGIN]
    assert 'CUCM-PUB Tokyo is not an SSM On-Prem: only a client with product = "SSM"' in capsys.readouterr().err


def test_contacts_are_listed(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = filled(tmp_path)
    store.add([by_hand(client=ClientKey(ClientKind.NAMED, "Satellite"), hours=3)])
    store.close()

    assert run(settings, "contact", "list") == 0
    everything = capsys.readouterr().out.splitlines()
    assert run(settings, "contact", "list", "Satellite", "--json") == 0
    (satellite,) = map(json.loads, capsys.readouterr().out.splitlines())

    assert [line.partition("  ")[0] for line in everything] == ["CUCM-PUB Tokyo", "Satellite", "CUCM-PUB Tokyo"]
    assert "by ann (uid 1000): by ship" in everything[0]
    assert satellite["client"]["name"] == "Satellite"


def test_what_a_product_said_is_listed_with_its_dates(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path).close()

    assert run(settings, "contact", "list", "CUCM-PUB Tokyo", "--json") == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert run(settings, "contact", "list") == 0
    line = capsys.readouterr().out.splitlines()[-1]

    assert [entry["kind"] for entry in entries] == ["manual", "product"]
    assert entries[1]["authorization_ends"] == "2026-05-21T12:00:00Z"
    assert "  its product said on 2026-03-0" in line
    assert "registration registered, authorization authorized, last contact 2026-02-2" in line
    assert " (printed)" in line


def test_a_client_of_the_ledger_gets_a_name_and_a_text(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path)
    store.add(success(ClientKey(ClientKind.LOGIN, "osaka")))
    store.close()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text_of("cucm-all").encode())))

    assert run(settings, "contact", "name", "OSAKA", "CUCM-PUB Osaka", "--product", "cucm", "--reserved") == 0
    assert run(settings, "contact", "text", "cucm-pub osaka") == 0
    assert run(settings, "contact", "record", "login:osaka") == 0
    assert capsys.readouterr().out.count("; kept in ") == 2

    assert run(settings, "contact", "list", "CUCM-PUB Osaka") == 0
    lines = capsys.readouterr().out.splitlines()
    size = len(text_of("cucm-all").encode())
    said = (
        "contact by hand",
        "the name of osaka, product CUCM, reserved",
        f"a text of {size} bytes",
        "its product said",
    )
    assert len(lines) == 4
    assert all(line.startswith(f"CUCM-PUB Osaka  {words}") for line, words in zip(lines, said, strict=True))

    assert run(settings, "contact", "name", "CUCM-PUB Osaka", "") == 0
    assert "osaka has no name any more" in capsys.readouterr().out
    assert run(settings, "contact", "list", "CUCM-PUB Osaka") == 2


def test_what_no_product_printed_is_refused(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "poem").write_text("Roses are red")

    assert run(settings, "contact", "text", "Satellite", str(tmp_path / "poem")) == 2
    assert run(settings, "contact", "text", "Satellite", str(tmp_path / "none")) == 2

    errors = capsys.readouterr().err
    assert "poem: nothing in the text is about licences; give the output of `show license all`" in errors
    assert "none: No such file or directory; name a file that can be read" in errors
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("record", "CUCM Tokyo"),
            '"CUCM Tokyo" is no [[client]] in the settings and no client in the ledger; did you mean CUCM-PUB Tokyo?',
        ),
        (("record", "Satellite", "--at", "yesterday"), "--at yesterday: write a time such as 2026-11-30T12:00"),
        (("record", "Satellite", "--at", "2199-01-01"), "that time is in the future"),
        (("record", "Satellite", "--note", "a\nb"), "write a note of at most 500 printable characters"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    settings: Path, tmp_path: Path, arguments: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    action, *rest = arguments

    assert run(settings, "contact", action, *rest) == 2

    assert message in capsys.readouterr().err
    assert not (tmp_path / FILE_NAME).exists()


def test_a_time_without_a_zone_is_of_this_machine() -> None:
    assert read_time("2026-03-02T12:00") == datetime(2026, 3, 2, 12).astimezone(UTC)


def test_sudo_does_not_hide_who_typed() -> None:
    assert ", sudo by ann)" in recorder({"SUDO_USER": "ann"})
    assert "sudo" not in recorder({})
