"""Python's httpx, and httpcore below it."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from support.authority import Authority
from support.exchange import MESSAGE, REFUSALS, URL, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.standin import StandIn
from support.upstream import SECONDS


@pytest.fixture
def client(authority: Authority, gate: Gate) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=authority.root)
    with httpx.Client(proxy=gate.url, verify=trust, trust_env=False, timeout=SECONDS) as client:
        yield client


def test_a_post_reaches_the_stand_in(client: httpx.Client, gate: Gate, standin: StandIn) -> None:
    answer = client.post(URL, content=MESSAGE)

    assert answer.status_code == 200
    assert answer.json()["stand_in"] is True
    client.close()
    assert_served(gate, standin, agent="")


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_shows_the_whole_reason(client: httpx.Client, gate: Gate, standin: StandIn, refusal: Refusal) -> None:
    with pytest.raises(httpx.ProxyError) as shown:
        client.get(refusal.url)

    assert_explains(str(shown.value), refusal)
    assert_refused(gate, standin, refusal)
