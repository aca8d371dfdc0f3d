"""Health checks on a proxy port: GET /healthz, for balancers that cannot ask the admin server."""

import pytest

from licensegate.proxy.protocol.commands import Refuse
from licensegate.proxy.protocol.states import State
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.conversation_harness import STRANGER, start_conversation, status_line

GET = b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.9:3128\r\nUser-Agent: balancer\r\n\r\n"
HEALTHY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
    b"Content-Length: 3\r\nConnection: close\r\n\r\n"
)


def asked(head: bytes, *, client: str = "10.1.2.3", draining: bool = False) -> tuple[Refuse, TunnelRecord]:
    """The answer to this head, and the record."""
    conversation = start_conversation(client=client)
    conversation._counter.draining = draining
    command = conversation.received(head)
    assert isinstance(command, Refuse)
    assert conversation.state is State.LINGERING
    return command, conversation.record


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        pytest.param(GET, HEALTHY + b"ok\n", id="GET"),
        pytest.param(GET.replace(b"GET", b"HEAD"), HEALTHY, id="HEAD"),
        pytest.param(GET.replace(b"1.1\r", b"1.0\r"), HEALTHY + b"ok\n", id="by HTTP/1.0, as HAProxy does"),
        pytest.param(b"GET /healthz HTTP/1.0\r\n\r\n", HEALTHY + b"ok\n", id="without a field"),
    ],
)
def test_a_health_check_is_answered_200(head: bytes, answer: bytes) -> None:
    command, record = asked(head)

    assert command.answer == answer
    assert (record.outcome, record.status, record.detail) == (Outcome.HEALTH_ASKED, 200, "")
    assert record.requested == "/healthz"


@pytest.mark.parametrize(
    "line",
    [
        b"GET /healthz/ HTTP/1.1",
        b"GET /healthz?verbose HTTP/1.1",
        b"GET /Healthz HTTP/1.1",
        b"GET //healthz HTTP/1.1",
        b"GET /%68ealthz HTTP/1.1",
        b"GET /readyz HTTP/1.1",
        b"GET / HTTP/1.1",
        b"POST /healthz HTTP/1.1",
        b"get /healthz HTTP/1.1",
        b"OPTIONS /healthz HTTP/1.1",
        b"GET http://10.0.0.9:3128/healthz HTTP/1.1",
    ],
    ids=lambda line: line.decode().removesuffix(" HTTP/1.1"),
)
def test_a_request_that_only_resembles_a_health_check_is_refused(line: bytes) -> None:
    command, record = asked(line + b"\r\n\r\n")

    assert status_line(command).startswith("HTTP/1.1 405 ")
    assert record.outcome is not Outcome.HEALTH_ASKED


def test_a_strangers_health_check_is_refused() -> None:
    command, record = asked(GET, client=STRANGER)

    assert status_line(command).startswith("HTTP/1.1 403 client_not_allowed")
    assert record.outcome is Outcome.CLIENT_NOT_ALLOWED


def test_a_draining_gate_answers_health_checks_503() -> None:
    command, record = asked(GET, draining=True)

    assert status_line(command).startswith("HTTP/1.1 503 draining")
    assert record.outcome is Outcome.DRAINING
