"""TCP to each address, and what is said about it."""

import errno
import socket

import pytest

from licensegate.doctor.path.connect import ConnectTry, connect_each, judge_connects
from licensegate.doctor.step import StepVerdict
from support.sockets import run
from support.upstream import closed_port

GOOD = ConnectTry("192.0.2.1", 443, 12)


def lost(error: int, address: str = "192.0.2.9") -> ConnectTry:
    return ConnectTry(address, 443, 1, error)


def test_each_address_is_connected_and_timed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = run(connect_each(["127.0.0.1", "127.0.0.2"], port, "127.0.0.1"))
    assert [(each.address, each.error) for each in found] == [("127.0.0.1", 0), ("127.0.0.2", errno.ECONNREFUSED)]


def test_a_refusal_is_an_errno() -> None:
    (found,) = run(connect_each(["127.0.0.1"], closed_port()))
    assert found.error == errno.ECONNREFUSED


@pytest.mark.parametrize(
    ("error", "seen", "cure"),
    [
        pytest.param(errno.ECONNREFUSED, "refused", "refused on the way", id="refused"),
        pytest.param(errno.ETIMEDOUT, "no answer", "packets are dropped on the way", id="dropped"),
        pytest.param(errno.ENETUNREACH, "no route", "give this host a route", id="no route"),
        pytest.param(errno.EPERM, "forbidden by this host's own firewall", "nft list ruleset", id="own firewall"),
        pytest.param(errno.EIO, "EIO", "let this host connect to tools.cisco.com:443", id="anything else"),
    ],
)
def test_a_failure_names_its_cure(error: int, seen: str, cure: str) -> None:
    result = judge_connects([lost(error)], "tools.cisco.com:443")
    assert result.verdict is StepVerdict.FAILED
    assert seen in result.seen
    assert cure in result.cure


def test_one_lost_address_of_two_is_a_warning() -> None:
    assert judge_connects([GOOD, lost(errno.ETIMEDOUT)], "x").verdict is StepVerdict.WARNING


def test_ipv6_that_leads_nowhere_has_a_cure_of_its_own() -> None:
    result = judge_connects([GOOD, lost(errno.ENETUNREACH, "2001:db8::1")], "x")
    assert (result.verdict, "repair the route to IPv6" in result.cure) == (StepVerdict.WARNING, True)


def test_connected_addresses_are_well() -> None:
    result = judge_connects([GOOD], "x")
    assert (result.verdict, result.seen) == (StepVerdict.OK, "connected to 192.0.2.1:443 in 12 ms")
