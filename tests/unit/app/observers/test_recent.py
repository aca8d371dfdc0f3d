"""The last refusals, the clients and their programs, all bounded."""

from hypothesis import given
from hypothesis import strategies as st

from licensegate.app.observers.recent import Client, Clients, ConnectFingerprint, Refusals
from licensegate.records.outcome import Outcome
from licensegate.records.record import HostForm, RefusalTaken, TunnelRecord
from support.records import any_record, failure, record, tunnel

JAVA = ConnectFingerprint("Java/17.0.13", "1.1", ("User-Agent", "Host", "Accept", "Proxy-Connection"), HostForm.HOST)


def client_after(*records: TunnelRecord) -> Client:
    clients = Clients()
    clients.observe(records)
    return clients.by_address["10.1.2.3"]


def test_refusals_are_connections_without_a_tunnel() -> None:
    refusals = Refusals()
    kept = [record(Outcome.TARGET_NOT_ALLOWED), failure(Outcome.DNS_TIMEOUT), record(Outcome.HANDSHAKE_FAILED)]

    refusals.observe([tunnel(), tunnel(None), record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED), *kept])

    assert list(refusals.records) == kept


def test_a_balancers_tls_checks_do_not_push_out_refusals() -> None:
    refusals = Refusals()
    refused = record(Outcome.TARGET_NOT_ALLOWED)

    refusals.observe([refused, *(record(Outcome.CLOSED_AFTER_HANDSHAKE) for _ in range(250))])

    assert [each.outcome for each in refusals.records] == [refused.outcome, Outcome.CLOSED_AFTER_HANDSHAKE]


def test_only_the_last_refusals_are_kept() -> None:
    refusals = Refusals()
    every = [record(Outcome.TARGET_NOT_ALLOWED) for _ in range(250)]

    refusals.observe(every)

    assert list(refusals.records) == every[150:]


def test_failed_tunnels_are_kept_beside_any_number_of_refusals() -> None:
    refusals = Refusals()
    cut = tunnel(finding="reset_in_handshake")

    refusals.observe([cut, tunnel(finding="transport_fine"), *(record(Outcome.TARGET_NOT_ALLOWED) for _ in range(250))])
    refusals.observe([last := tunnel(finding="intercepted")])

    assert len(refusals.records) == 102
    assert (refusals.records[0], refusals.records[-1]) == (cut, last)


def test_a_program_has_a_fingerprint_and_its_latest_behaviour() -> None:
    client = client_after(
        tunnel(alpn=("http/1.1",)),
        record(
            Outcome.TARGET_NOT_ALLOWED,
            after=5,
            method="CONNECT",
            user_agent=JAVA.user_agent,
            http_version="1.1",
            fields=JAVA.fields,
            host_form=JAVA.host_form,
            refusal_taken=RefusalTaken.RESET,
        ),
    )

    assert list(client.programs) == [JAVA]
    program = client.programs[JAVA]
    assert (program.server_name_sent, program.alpn, program.tls_version) == (True, ("http/1.1",), "1.3")
    assert program.refusal_taken is RefusalTaken.RESET
    assert (program.connections, client.connections, client.outcome) == (2, 2, Outcome.TARGET_NOT_ALLOWED)
    assert (program.last - program.first).total_seconds() == 5


def test_programs_of_one_client_are_kept_apart() -> None:
    client = client_after(tunnel(), tunnel(user_agent="curl/8.5.0"), tunnel(fields=("Host",)), tunnel())

    assert [seen.connections for seen in client.programs.values()] == [1, 1, 2]


def test_server_name_sent_is_unknown_without_a_client_hello() -> None:
    unknown = client_after(tunnel(tls_version="", server_name="", server_name_check=None))
    absent = client_after(tunnel(server_name=""))

    assert unknown.programs[JAVA].server_name_sent is None
    assert absent.programs[JAVA].server_name_sent is False


def test_a_client_that_starts_with_tls_has_an_empty_fingerprint() -> None:
    passed_through = tunnel(user_agent="", http_version="", fields=(), host_form=None, method="")

    assert list(client_after(passed_through).programs) == [ConnectFingerprint("", "", (), None)]


def test_a_client_without_a_request_has_no_program() -> None:
    client = client_after(record(Outcome.HELLO_TIMEOUT))

    assert (client.connections, client.programs) == (1, {})


def test_an_open_tunnel_shows_its_client_but_is_not_counted() -> None:
    client = client_after(tunnel(None))

    assert (client.connections, client.outcome, client.programs[JAVA].connections) == (0, None, 0)


def test_a_balancers_probes_are_not_a_client() -> None:
    clients = Clients()

    clients.observe([record(Outcome.CLOSED_UNUSED), record(Outcome.HEALTH_ASKED)])

    assert not clients.by_address


def test_a_new_client_replaces_the_least_recent_one() -> None:
    clients = Clients()
    addresses = [f"10.0.{number // 256}.{number % 256}" for number in range(512)]
    clients.observe([tunnel(client=address) for address in addresses])

    clients.observe([tunnel(client=addresses[0]), tunnel(client="10.9.9.9")])

    assert len(clients.by_address) == 512
    assert addresses[0] in clients.by_address
    assert addresses[1] not in clients.by_address
    assert list(clients.by_address)[-1] == "10.9.9.9"


def test_a_ninth_program_replaces_the_least_recent_one() -> None:
    agents = [f"agent/{number}" for number in range(8)]
    seen = [tunnel(user_agent=agent, after=number) for number, agent in enumerate(agents)]

    client = client_after(*seen, tunnel(user_agent=agents[0], after=10), tunnel(user_agent="a ninth", after=11))

    assert {writing.user_agent for writing in client.programs} == {*agents, "a ninth"} - {agents[1]}


@given(st.lists(any_record, max_size=40))
def test_any_records_stay_within_the_bounds(records: list[TunnelRecord]) -> None:
    clients, refusals = Clients(), Refusals()

    clients.observe(records)
    refusals.observe(records)

    assert all(len(client.programs) <= 8 for client in clients.by_address.values())
    assert len(refusals.records) <= 100
