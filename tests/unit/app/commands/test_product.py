"""`licensegate product ask`: one question, and what it prints."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from licensegate.app.cli import main
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ClientHistory
from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.ledger.store import Store
from licensegate.products.settings import LEAST_SECONDS
from support.axl import StandInAxl, answer
from support.licence_texts import expected_of

PASSWORD = "s3cret-of-axl"


def settings(folder: Path, *ports: int) -> str:
    (folder / "axl.password").write_text(PASSWORD)
    text = ""
    for number, port in enumerate(ports):
        text += f"""
[[client]]
name = "PUB-{number}"
product = "CUCM"

[[product]]
client = "PUB-{number}"
address = "localhost:{port}"
username = "reader"
password_file = "axl.password"
ca = "publisher's-CA.pem"
"""
    file = folder / "gate.toml"
    file.write_text(text)
    return str(file)


def with_ledger(file: str) -> str:
    path = Path(file)
    path.write_text('[state]\ndirectory = "."\n' + path.read_text())
    return file


def test_it_prints_what_license_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StandInAxl(tmp_path) as axl:
        assert main(["product", "ask", "pub-0", "--json", "--config", settings(tmp_path, axl.port)]) == 0

    said = json.loads(capsys.readouterr().out)
    expected = expected_of("cucm-axl.xml")
    assert {key: said[key] for key in expected} == expected
    assert said["meaning"]["family"] == "CUCM"
    assert len(axl.requests) == 1


def test_one_that_does_not_answer_is_said_and_others_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        assert main(["product", "ask", "--config", settings(tmp_path, axl.port, axl.port)]) == 1

    out, errors = capsys.readouterr()
    assert "PUB-1" in out
    assert "PUB-0 at localhost:" in errors
    assert "the product refused the login" in errors
    assert PASSWORD not in out + errors


def kept(folder: Path) -> ClientHistory:
    store = Store(LedgerPlace(folder / FILE_NAME))
    store.open()
    try:
        client = ClientKey(ClientKind.NAMED, "PUB-0")
        return store.histories([client])[client]
    finally:
        store.close()


def test_the_answer_is_kept_beside_the_client_and_counts_as_an_ask(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with StandInAxl(tmp_path) as axl:
        file = with_ledger(settings(tmp_path, axl.port))
        assert main(["product", "ask", "--config", file]) == 0

    history = kept(tmp_path)
    assert history.product is not None
    assert history.product.registration_status == "registered"
    assert history.ask is not None
    assert history.ask.again - before >= timedelta(seconds=LEAST_SECONDS)
    assert history.ask.refused == ""


def test_a_refused_password_is_not_sent_again_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StandInAxl(tmp_path, [answer(status="401 Unauthorized"), answer()]) as axl:
        file = with_ledger(settings(tmp_path, axl.port))
        assert main(["product", "ask", "--config", file]) == 1
        assert main(["product", "ask", "--config", file]) == 1
        assert axl.connections == 1
        assert "the password is still the refused one" in capsys.readouterr().err

        (tmp_path / "axl.password").write_text("another")
        assert main(["product", "ask", "--config", file]) == 0

    assert kept(tmp_path).ask is not None


def test_nobody_is_asked_while_the_ledger_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 100)
    with StandInAxl(tmp_path) as axl:
        assert main(["product", "ask", "--config", with_ledger(settings(tmp_path, axl.port))]) == 2

    assert axl.connections == 0
    assert "which knows what products were asked, cannot be used: file is not a database" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ports", "name", "message"),
    [
        pytest.param((), None, "there is no [[product]] in the settings", id="none"),
        pytest.param((8443,), "PUB-9", '"PUB-9" is not the client of a [[product]]; did you mean PUB-0?', id="a slip"),
    ],
)
def test_a_product_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ports: tuple[int, ...], name: str | None, message: str
) -> None:
    with StandInAxl(tmp_path):
        assert main(["product", "ask", *([name] if name else []), "--config", settings(tmp_path, *ports)]) == 2

    assert message in capsys.readouterr().err
