"""Python's requests, and urllib3 below it."""

from collections.abc import Iterator

import pytest
import requests

from support.authority import Authority
from support.exchange import MESSAGE, REFUSALS, URL, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.standin import StandIn
from support.upstream import SECONDS


@pytest.fixture
def session(authority: Authority, gate: Gate) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"https": gate.url}
        session.verify = str(authority.root)
        session.headers["Connection"] = "close"  # a pool of urllib3's keeps its tunnels until it is collected
        yield session


def test_a_post_reaches_the_stand_in(session: requests.Session, gate: Gate, standin: StandIn) -> None:
    answer = session.post(URL, data=MESSAGE, timeout=SECONDS)

    assert answer.status_code == 200
    assert answer.json()["stand_in"] is True
    assert_served(gate, standin, agent="")


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_shows_the_whole_reason(
    session: requests.Session, gate: Gate, standin: StandIn, refusal: Refusal
) -> None:
    with pytest.raises(requests.exceptions.ProxyError) as shown:
        session.get(refusal.url, timeout=SECONDS)

    assert_explains(str(shown.value).partition("Tunnel connection failed: ")[2], refusal)
    assert_refused(gate, standin, refusal)
