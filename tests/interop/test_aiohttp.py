"""Python's aiohttp, which sends the CONNECT with the headers of its request."""

import asyncio
import ssl

import aiohttp
import pytest

from support.authority import Authority
from support.exchange import MESSAGE, REFUSALS, URL, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.standin import StandIn
from support.upstream import SECONDS


async def post(url: str, gate: Gate, authority: Authority) -> str:
    """The body of the answer to a message sent through the gate."""
    trust = ssl.create_default_context(cafile=authority.root)
    limit = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=limit) as session,
        session.post(url, data=MESSAGE, proxy=gate.url, ssl=trust) as answer,
    ):
        return await answer.text()


def test_a_post_reaches_the_stand_in(gate: Gate, standin: StandIn, authority: Authority) -> None:
    assert '"stand_in": true' in asyncio.run(post(URL, gate, authority))

    assert_served(gate, standin, agent="Python/")


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_shows_the_whole_reason(gate: Gate, standin: StandIn, authority: Authority, refusal: Refusal) -> None:
    with pytest.raises(aiohttp.ClientHttpProxyError) as shown:
        asyncio.run(post(refusal.url, gate, authority))

    assert_explains(str(shown.value).replace(", message='", " ", 1), refusal)
    assert_refused(gate, standin, refusal)
