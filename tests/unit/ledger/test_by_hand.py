"""What people add to the ledger: what is kept of it, and what is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from licensegate.ledger.by_hand import EntryRefusedError, TextWithWord, manual_entry, name_entry, text_entry
from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames, NamedClient, TakenOver, key_of, key_text
from licensegate.ledger.entries import LONGEST_TEXT, ManualKind, NameEntry
from licensegate.ledger.naming import LedgerClient, NamedBy, ledger_client
from licensegate.records.record import LoginResult, TunnelRecord
from support.ledger_entries import NOON, STRANGER, TOKYO, at, named
from support.licence_texts import text_of
from support.records import tunnel

CUCM = NamedClient(TOKYO.name, product="CUCM")
SETTINGS = {TOKYO.name: CUCM}
IN_SETTINGS = ledger_client(TOKYO, SETTINGS, None)
UNNAMED = ledger_client(STRANGER, SETTINGS, None)
OTHERS = (IN_SETTINGS, UNNAMED, LedgerClient(ClientKey(ClientKind.LOGIN, "pub"), "pub"))


def contact(
    client: LedgerClient = UNNAMED, what: ManualKind = ManualKind.CONTACT, ahead: float = 0, note: str = ""
) -> object:
    return manual_entry(client, what, at=NOON + timedelta(seconds=ahead), note=note, by="ann", now=NOON)


def name(client: LedgerClient, text: str, product: str = "", on_prem: bool = False) -> NameEntry:
    return name_entry(client, text, product=product, on_prem=on_prem, by="ann", now=NOON, others=OTHERS)


def test_a_client_of_the_settings_keeps_its_name_there() -> None:
    assert (IN_SETTINGS.name, IN_SETTINGS.product, IN_SETTINGS.named_by) == (TOKYO.name, "CUCM", NamedBy.SETTINGS)
    assert ledger_client(TOKYO, SETTINGS, named("Osaka", TOKYO)).name == TOKYO.name


def test_a_name_given_by_hand_brings_its_product() -> None:
    client = ledger_client(STRANGER, SETTINGS, named("Osaka", product="SSM"))

    assert (client.name, client.product, client.named_by) == ("Osaka", "SSM", NamedBy.HAND)


def test_a_name_that_was_taken_away_leaves_the_key() -> None:
    client = ledger_client(STRANGER, SETTINGS, name(UNNAMED, " ", product="CUCM"))

    assert (client.name, client.product, client.named_by) == ("10.1.2.3", "", NamedBy.KEY)


@pytest.mark.parametrize(
    ("add", "words"),
    [
        pytest.param(lambda: contact(ahead=61), "that time is in the future", id="tomorrow"),
        pytest.param(lambda: contact(note="a\nb"), "a note of at most 500 printable characters", id="a line end"),
        pytest.param(lambda: contact(note="x" * 501), "a note of at most 500 printable characters", id="a long note"),
        pytest.param(lambda: contact(what=ManualKind.LOGIN), "10.1.2.3 is not an SSM On-Prem", id="a login"),
        pytest.param(lambda: name(IN_SETTINGS, "Kobe"), "change it there", id="of the settings"),
        pytest.param(lambda: name(UNNAMED, "PUB"), "pub is the name of another client", id="of another client"),
        pytest.param(lambda: name(UNNAMED, "cucm-pub tokyo"), "name of another client", id="of a [[client]]"),
        pytest.param(lambda: name(UNNAMED, "x" * 101), "a name of at most 100 printable", id="a long name"),
        pytest.param(lambda: name(UNNAMED, "a\u202eb"), "a name of at most 100 printable", id="a turned name"),
        pytest.param(lambda: name(UNNAMED, "S", "ssm", on_prem=True), "SSM is the SSM On-Prem itself", id="itself"),
        pytest.param(lambda: text(b"x" * (LONGEST_TEXT + 1)), "larger than 1 MB", id="a large text"),
        pytest.param(lambda: text(b"Good morning"), "nothing in the text is about licences", id="a greeting"),
        pytest.param(lambda: text(b"", at(1)), "that time is in the future", id="a text of tomorrow"),
        pytest.param(lambda: text(b""), "nothing in the text is about licences", id="nothing"),
        pytest.param(lambda: text(b"\xff\xfe\x00"), "nothing in the text is about licences", id="half a character"),
        pytest.param(lambda: text(b'{"a": 1}'), "the text cannot be read", id="other JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(add: Callable[[], object], words: str) -> None:
    with pytest.raises(EntryRefusedError) as raised:
        add()
    assert words in str(raised.value)


def text(data: bytes, printed: datetime | None = None) -> TextWithWord:
    return text_entry(IN_SETTINGS, data, printed=printed, by="ann", now=NOON)


def test_a_login_is_kept_for_a_satellite() -> None:
    satellite = ledger_client(STRANGER, {}, named("Satellite", product="SSM"))

    assert manual_entry(satellite, ManualKind.LOGIN, at=None, note="", by="ann", now=NOON).time == NOON


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_text_is_kept_as_it_was_printed(encoding: str) -> None:
    printed = text_of("cucm-all")

    kept = text(printed.encode(encoding))

    assert (kept.text.text, kept.text.kept, kept.text.kept_by) == (printed, NOON, "ann")


def test_a_text_without_a_state_or_a_date_is_no_word_of_the_product() -> None:
    kept = text(b"Product Information\n====\nUDI: PID:UCM,SN:0123456,UUID:1\n")

    assert kept.word is None


@pytest.mark.parametrize(("printed", "said"), [(None, NOON), (at(-48), at(-48))], ids=["now", "when somebody says"])
def test_a_text_counts_from_when_it_was_printed(printed: datetime | None, said: datetime) -> None:
    kept = text(text_of("cucm-all").encode(), printed)

    assert kept.word is not None
    assert kept.word.said == said


def test_a_null_in_a_text_is_left_out() -> None:
    kept = text(b"\0" + text_of("cucm-all").encode())

    assert "\0" not in kept.text.text


@pytest.mark.parametrize(
    ("key", "client"),
    [
        (STRANGER, NamedClient("A", users=("pub",))),
        (ClientKey(ClientKind.LOGIN, "sub"), NamedClient("A", users=("pub",))),
        (ClientKey(ClientKind.NAMED, "pub"), NamedClient("A", users=("pub",))),
        (STRANGER, NamedClient("A")),
        (STRANGER, NamedClient("A", networks=(ip_network("10.1.2.0/24"),), users=("pub",))),
        (STRANGER, NamedClient("A", networks=(ip_network("::/0"), ip_network("10.1.2.4/32")))),
        (ClientKey(ClientKind.ADDRESS, "unix"), NamedClient("A", networks=(ip_network("0.0.0.0/0"),))),
    ],
)
def test_what_no_client_of_the_settings_takes_over_stays(key: ClientKey, client: NamedClient) -> None:
    assert not TakenOver([client]).has(key)


@pytest.mark.parametrize(
    "record",
    [
        tunnel(client="10.1.2.3"),
        tunnel(client="10.9.9.9", user="pub", login="basic", login_result=LoginResult.ACCEPTED),
        tunnel(client="10.9.9.9", client_certificate="CN=pub.test,O=Example"),
    ],
    ids=["address", "login", "certificate"],
)
def test_a_client_that_got_a_client_in_the_settings_is_taken_over(record: TunnelRecord) -> None:
    named_clients = [
        NamedClient("A", networks=(ip_network("10.1.2.0/24"),)),
        NamedClient("B", users=("pub",)),
        NamedClient("C", certificates=("PUB.test",)),
    ]
    before = ClientNames().key(record)

    assert TakenOver(named_clients).has(before)


def test_a_key_is_one_text() -> None:
    colons = ClientKey(ClientKind.ADDRESS, "2001:db8::1")

    assert key_of(key_text(colons)) == colons
    assert [key_of(text) for text in ("", "10.1.2.3", "address:", "host:a", ":a")] == [None] * 5
