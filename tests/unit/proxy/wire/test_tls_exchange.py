"""How far client and target got, from records as real clients and servers send them."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from licensegate.proxy.wire.tls_exchange import ClientRecords
from licensegate.records.contact import Contact
from support.client_hellos import alpn
from support.tls_streams import (
    CCS,
    HANDSHAKE,
    RETRY_RANDOM,
    TlsTunnel,
    alert,
    certificate,
    data,
    record,
    sealed,
    server_hello,
)

C, T, END = "c", "t", ("end", b"")
Story = tuple[tuple[str, bytes], ...]

HELLO_13 = record(HANDSHAKE, server_hello(0x0304))
HELLO_10 = record(HANDSHAKE, server_hello(0x0301))
RETRY = record(HANDSHAKE, server_hello(0x0304, RETRY_RANDOM))
OPENSSL_13 = (T, HELLO_13 + CCS + data(23, 843, 281, 69))
JSSE_13 = (T, HELLO_13 + CCS + data(2544))
GO_13 = (T, HELLO_13 + CCS + data(23, 843, 281, 53, 147))
FINISHED_13 = (C, CCS + data(69))
FINISHED_JAVA = (C, CCS + data(85))
REQUEST = (C, data(400))

FLIGHT_12 = (T, record(HANDSHAKE, server_hello() + certificate(b"leaf" * 100) + bytes((14, 0, 0, 0))))
KEYS_12 = (C, sealed(37) + CCS + sealed(40))
FINISHED_12 = (T, CCS + sealed(40))
DONE_13, DONE_12 = (OPENSSL_13, FINISHED_13), (FLIGHT_12, KEYS_12, FINISHED_12)

ANSWERED: dict[str, Story] = {
    "1.2": (*DONE_12, REQUEST, (T, data(500))),
    "1.2, a tiny answer": (*DONE_12, REQUEST, (T, data(51))),
    "1.2, resumed": (
        (T, record(HANDSHAKE, server_hello()) + CCS + sealed(40)),
        (C, CCS + sealed(40)),
        REQUEST,
        (T, data(90)),
    ),
    "1.3, two tickets first": (*DONE_13, REQUEST, (T, data(250, 250, 517))),
    "1.3, tickets before the request": (*DONE_13, (T, data(250, 250)), REQUEST, (T, data(517))),
    "1.3, tickets a block apart": (*DONE_13, REQUEST, (T, data(266, 250, 517))),
    "1.3, an answer behind 100 Continue": (*DONE_13, REQUEST, (T, data(250, 250, 42, 517))),
    "1.2, an answer behind 100 Continue": (*DONE_12, REQUEST, (T, data(49, 120))),
    "1.3, a tiny answer": (*DONE_13, REQUEST, (T, data(250, 250, 44))),
    "1.3, one ticket of an unknown length": (JSSE_13, FINISHED_JAVA, REQUEST, (T, data(2462, 60))),
    "1.3, a ticket in the server's flight": (GO_13, FINISHED_13, REQUEST, (T, data(300))),
    "1.3, a client's certificate": (OPENSSL_13, (C, CCS + data(741, 97, 69)), REQUEST, (T, data(1100, 1100, 300))),
    "1.3, an answer longer than any ticket": (*DONE_13, REQUEST, (T, data(16401))),
    "1.3, more equal records than any server sends tickets": (*DONE_13, REQUEST, (T, data(*[4118] * 9))),
    "1.3 after a retry": (
        (T, RETRY + CCS),
        (C, CCS + sealed(517)),
        (T, HELLO_13 + data(23, 843, 281, 69)),
        (C, data(69)),
        REQUEST,
        (T, data(250, 250, 517)),
    ),
}

NOT_ANSWERED: dict[str, tuple[Contact, Story]] = {
    "1.2, silence behind the request": (Contact.REQUEST_UNANSWERED, (*DONE_12, REQUEST)),
    "1.2, an alert behind the request": (Contact.REQUEST_UNANSWERED, (*DONE_12, REQUEST, (T, record(21, bytes(26))))),
    "1.3, silence behind the request": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST)),
    "1.3, nothing but tickets": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST, (T, data(250, 250)))),
    "1.3, nothing but tickets a block apart": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST, (T, data(250, 266)))),
    "1.3, 100 Continue alone": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST, (T, data(250, 250, 42)))),
    "1.2, 100 Continue alone": (Contact.REQUEST_UNANSWERED, (*DONE_12, REQUEST, (T, data(49)))),
    "1.3, one ticket before a cut": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST, (T, data(250)), END)),
    "1.3, tickets and an alert": (Contact.REQUEST_UNANSWERED, (*DONE_13, REQUEST, (T, data(250, 250, 19)))),
    "1.3, a long ticket of Java": (Contact.REQUEST_UNANSWERED, (JSSE_13, FINISHED_JAVA, REQUEST, (T, data(2462)))),
    "1.3, the server wants a certificate": (
        Contact.REQUEST_UNANSWERED,
        (OPENSSL_13, (C, CCS + data(25, 69, 400)), (T, data(19))),
    ),
    "1.3, resumed, a ticket and a cut": (
        Contact.REQUEST_UNANSWERED,
        ((T, HELLO_13 + CCS + data(23, 69)), FINISHED_13, REQUEST, (T, data(234)), END),
    ),
    "1.3, nothing asked": (Contact.HANDSHAKE_UNUSED, (*DONE_13, (T, data(250, 250)), (C, data(19)))),
    "1.3, nothing asked by Java": (Contact.HANDSHAKE_UNUSED, (JSSE_13, FINISHED_JAVA, (C, data(35, 35)))),
    "1.3, data before a request": (Contact.HANDSHAKE_UNUSED, (*DONE_13, (T, data(517)))),
    "1.2, nothing asked": (Contact.HANDSHAKE_UNUSED, (*DONE_12, (C, record(21, bytes(26))))),
    "1.2, the server speaks first": (Contact.HANDSHAKE_UNUSED, (*DONE_12, (T, data(60)))),
    "1.2, unknown CA": (Contact.CERTIFICATE_REJECTED, (FLIGHT_12, (C, alert(48)))),
    "1.2, unknown certificate of Java": (Contact.CERTIFICATE_REJECTED, (FLIGHT_12, (C, alert(46)))),
    "1.3, unknown CA in the clear": (Contact.CERTIFICATE_REJECTED, (OPENSSL_13, (C, alert(48)))),
    "1.3, an encrypted alert of Java": (Contact.CERTIFICATE_REJECTED, (JSSE_13, (C, CCS + data(35)))),
    "1.3, an encrypted alert of Go": (Contact.CERTIFICATE_REJECTED, (GO_13, (C, CCS + data(19)))),
    "1.3, Java gives up at the target's end": (
        Contact.HANDSHAKE_CUT,
        ((T, HELLO_13 + CCS + data(23, 843)), END, (C, CCS + data(35))),
    ),
    "1.3, Java is closed while it waits": (Contact.HANDSHAKE_CUT, (JSSE_13, (C, CCS + data(35, 35)))),
    "1.3, an alert within a stalled flight": (
        Contact.HANDSHAKE_CUT,
        ((T, HELLO_13 + CCS + data(23, 843)[:-1]), (C, CCS + data(35))),
    ),
    "1.3, an empty certificate and nothing more": (Contact.HANDSHAKE_CUT, (OPENSSL_13, (C, CCS + data(25)))),
    "1.3, no word from the client": (Contact.HANDSHAKE_CUT, (OPENSSL_13,)),
    "1.2, the server wants a certificate": (
        Contact.HANDSHAKE_CUT,
        (FLIGHT_12, (C, sealed(7, 37) + CCS + sealed(40)), (T, alert(40))),
    ),
    "the client takes no version so old": (Contact.HANDSHAKE_CUT, ((T, HELLO_10), (C, alert(70)))),
    "half a record header": (Contact.HANDSHAKE_CUT, ((T, HELLO_13[:3]),)),
    "a retry and silence": (Contact.HANDSHAKE_CUT, ((T, RETRY), (C, CCS))),
    "an alert to the hello": (Contact.HELLO_REFUSED, ((T, alert(70)),)),
    "an alert to the second hello": (
        Contact.HELLO_REFUSED,
        ((T, RETRY), (C, sealed(517)), (T, alert(40))),
    ),
    "nothing": (Contact.HELLO_UNANSWERED, ()),
    "nothing, and an end": (Contact.HELLO_CUT, (END,)),
    "Java's alert at the end": (Contact.HELLO_CUT, (END, (C, alert(40)))),
    "HTTP": (Contact.NOT_TLS, ((T, b"HTTP/1.1 400 Bad Request\r\n"),)),
}  # fmt: skip

STORIES = {name: (Contact.ANSWERED, story) for name, story in ANSWERED.items()} | NOT_ANSWERED
every_story = pytest.mark.parametrize(("contact", "story"), STORIES.values(), ids=STORIES)


@every_story
@pytest.mark.parametrize("split", [0, 1, 2, 7], ids=["whole", "bytes", "pairs", "sevens"])
def test_the_contact_is_told_in_any_split(contact: Contact, story: Story, split: int) -> None:
    assert TlsTunnel().feed(*story, split=split).contact is contact


@every_story
def test_a_contact_counts_as_answered_at_its_answer_only(contact: Contact, story: Story) -> None:
    """The same with each beginning of the story: only the last event of an answered one makes it so."""
    for events in range(len(story)):
        assert TlsTunnel().feed(*story[:events]).contact is not Contact.ANSWERED


TICKETS = frozenset({250})


@pytest.mark.parametrize(
    ("known", "lengths", "answered"),
    [
        pytest.param(None, [250], False, id="nothing known"),
        pytest.param(TICKETS, [250], False, id="a known ticket"),
        pytest.param(TICKETS, [250, 44], True, id="an answer behind a known ticket"),
        pytest.param(TICKETS, [234], False, id="a ticket of another length"),
        pytest.param(TICKETS, [234, 250], False, id="two tickets of different lengths"),
        pytest.param(TICKETS, [250, 234], False, id="a known ticket and one a block shorter"),
        pytest.param(TICKETS, [250, 266], False, id="a known ticket and one a block longer"),
        pytest.param(TICKETS, [266, 250, 44], True, id="an answer behind tickets a block apart"),
        pytest.param(frozenset({234, 250}), [234, 250], False, id="two known tickets"),
        pytest.param(frozenset(), [44], True, id="a target without tickets"),
        pytest.param(frozenset(), [250, 250], True, id="a target without tickets that answers twice"),
    ],
)
def test_known_tickets_are_no_answer(known: frozenset[int] | None, lengths: list[int], answered: bool) -> None:
    tunnel = TlsTunnel(known).feed(*DONE_13, REQUEST, (T, data(*lengths)))
    assert tunnel.exchange.answered is answered


@pytest.mark.parametrize(
    ("story", "tickets"),
    [
        pytest.param((*DONE_13, REQUEST, (T, data(250, 250))), {250}, id="a pair"),
        pytest.param((*DONE_13, (T, data(250))), {250}, id="before the request"),
        pytest.param((GO_13, FINISHED_13), {147}, id="in the server's flight"),
        pytest.param((*DONE_13, REQUEST, (T, data(250, 517))), set(), id="one of unknown meaning"),
        pytest.param((*DONE_13, (T, data(19))), set(), id="an alert"),
        pytest.param((*DONE_12, REQUEST, (T, data(250, 250))), set(), id="TLS 1.2"),
    ],
)
def test_tickets_are_learned_where_they_are_certain(story: Story, tickets: set[int]) -> None:
    assert TlsTunnel().feed(*story).exchange.tickets == tickets


@pytest.mark.parametrize(
    ("encrypted_extensions", "answered"), [pytest.param(32, False, id="h2"), pytest.param(23, True, id="no ALPN")]
)
def test_the_settings_of_http2_are_no_answer(encrypted_extensions: int, answered: bool) -> None:
    flight = (T, HELLO_13 + CCS + data(encrypted_extensions, 843, 281, 69))
    tunnel = TlsTunnel(alpn=("h2", "http/1.1")).feed(flight, FINISHED_13, REQUEST, (T, data(250, 250, 57)))
    assert tunnel.exchange.answered is answered
    assert tunnel.feed((T, data(130))).exchange.answered


@pytest.mark.parametrize(
    ("chosen", "answered"),
    [pytest.param((alpn(b"h2"),), False, id="h2"), pytest.param((alpn(b"http/1.1"),), True, id="HTTP/1.1"), ((), True)],
)
def test_up_to_tls_1_2_the_server_says_whether_it_is_http2(chosen: tuple[bytes, ...], answered: bool) -> None:
    hello = (T, record(HANDSHAKE, server_hello(0x0303, bytes(32), *chosen)))
    tunnel = TlsTunnel(alpn=("h2", "http/1.1")).feed(hello, KEYS_12, FINISHED_12, REQUEST, (T, data(57)))
    assert tunnel.exchange.answered is answered
    assert tunnel.feed((T, data(130))).exchange.answered


@pytest.mark.parametrize("split", [0, 1], ids=["whole", "bytes"])
@pytest.mark.parametrize(
    ("handshake", "version"),
    [(DONE_13, "1.3"), (DONE_12, "1.2"), (((T, HELLO_10),), "1.0")],
    ids=["1.3", "1.2", "1.0"],
)
def test_the_negotiated_version_is_the_servers(handshake: Story, version: str, split: int) -> None:
    assert TlsTunnel().feed(*handshake, split=split).exchange.version == version


@pytest.mark.parametrize("split", [0, 1, 300], ids=["whole", "bytes", "more"])
def test_the_certificate_of_tls_1_2_spans_records_and_segments(split: int) -> None:
    flight = server_hello() + certificate(b"leaf" * 500, b"issuer" * 300)
    cut = b"".join(record(HANDSHAKE, flight[start : start + 999]) for start in range(0, len(flight), 999))
    assert TlsTunnel().feed((T, cut), split=split).target.server.certificate == b"leaf" * 500


def test_application_bytes_leave_out_the_handshake() -> None:
    flight, keys, done = DONE_12
    tunnel = TlsTunnel().feed(*DONE_12, REQUEST, (T, data(500)))
    assert tunnel.client.application_bytes(len(keys[1]) + 405) == 405
    assert tunnel.target.application_bytes(len(flight[1]) + len(done[1]) + 505 + 10_000) == 10_505
    assert TlsTunnel().feed(*DONE_12).target.application_bytes(9999) == 0


def test_bytes_before_the_relay_count_alike() -> None:
    exchange = TlsTunnel().feed(FLIGHT_12).exchange
    client = ClientRecords(exchange=exchange)
    client.begin_with(KEYS_12[1] + REQUEST[1][:10])
    client.see(REQUEST[1][10:])
    assert client.application_bytes(len(REQUEST[1]) - 10) == len(REQUEST[1])


def test_a_closed_answer_needs_no_more_bytes() -> None:
    tunnel = TlsTunnel().feed(*DONE_12, REQUEST)
    assert tunnel.target.see(data(500))
    assert not tunnel.target.see(data(*[500] * 16))


def test_a_flight_of_many_records_is_read_to_its_end() -> None:
    flight = (T, HELLO_13 + CCS + data(23, *[200] * 20, 69))
    tunnel = TlsTunnel().feed(flight, FINISHED_13, REQUEST, (T, data(250, 250, 517)))
    assert tunnel.contact is Contact.ANSWERED


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"HTTP/1.1 403 Blocked by policy\r\nServer: x\r\n", "HTTP/1.1 403 Blocked by policy"),
        (b"220 smtp.example ESMTP\r\n", "220 smtp.example ESMTP"),
        (b"x" * 60, "x" * 40),
        (b"\xff\xfe\n", "\\xff\\xfe"),
        (b"user:secret@host\n", "...@host"),
    ],
)
def test_a_target_without_tls_is_quoted(said: bytes, shown: str) -> None:
    tunnel = TlsTunnel().feed((T, said))
    assert (tunnel.contact, tunnel.target.said) == (Contact.NOT_TLS, shown)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """Any records, in any order."""
    kinds = st.one_of(
        st.builds(data, st.sampled_from([19, 23, 25, 35, 53, 69, 85, 101, 250, 517, 9000])),
        st.builds(sealed, st.integers(0, 90)),
        st.builds(alert, st.integers(0, 120)),
        st.just(CCS),
        st.sampled_from([HELLO_13, FLIGHT_12[1], RETRY]),
        st.binary(max_size=5),
    )
    return draw(st.lists(st.tuples(st.sampled_from([C, T]), kinds), max_size=25))


@given(stories(), st.integers(1, 30))
@example([(C, CCS), (T, CCS), FLIGHT_12, (C, sealed(0))], 1)
def test_any_records_in_any_split_have_one_contact(story: list[tuple[str, bytes]], split: int) -> None:
    whole, pieces = TlsTunnel().feed(*story), TlsTunnel().feed(*story, split=split)
    assert whole.contact is pieces.contact
    assert (whole.exchange.version, whole.exchange.tickets) == (pieces.exchange.version, pieces.exchange.tickets)
    asked = any(who == C for who, _ in story)
    assert asked or whole.contact is not Contact.ANSWERED


@given(st.lists(st.sampled_from([250, 250, 234, 19, 35]), max_size=2), st.booleans())
def test_known_tickets_and_alerts_never_answer(lengths: list[int], known: bool) -> None:
    tunnel = TlsTunnel(frozenset({234, 250}) if known else None).feed(*DONE_13, REQUEST, (T, data(*lengths)))
    tickets = [length for length in lengths if length >= 40]
    if known or len(set(tickets)) < 2:
        assert tunnel.contact is Contact.REQUEST_UNANSWERED


def test_every_contact_is_told_of_some_story() -> None:
    assert {contact for contact, _ in STORIES.values()} == set(Contact)
    assert all(itertools.chain(NOT_ANSWERED, ANSWERED))
