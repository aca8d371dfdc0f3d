"""Post standard input to each URL with a Python client, and print what the client's caller got.

Usage: post.py LIBRARY CA_FILE [PROXY|direct URL]... ; prints one JSON string per line and URL.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import Callable

SECONDS = 20


def by_requests(authorities: str, proxy: str | None, url: str, message: bytes) -> str:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.verify = authorities
        if proxy:
            session.proxies = {"https": proxy}
        return session.post(url, data=message, timeout=SECONDS).text


def by_httpx(authorities: str, proxy: str | None, url: str, message: bytes) -> str:
    import httpx

    trust = ssl.create_default_context(cafile=authorities)
    through = httpx.Proxy(proxy, ssl_context=trust if proxy.startswith("https") else None) if proxy else None
    with httpx.Client(proxy=through, verify=trust, trust_env=False, timeout=SECONDS) as client:
        return client.post(url, content=message).text


def by_aiohttp(authorities: str, proxy: str | None, url: str, message: bytes) -> str:
    import aiohttp

    async def post() -> str:
        trust = ssl.create_default_context(cafile=authorities)
        limit = aiohttp.ClientTimeout(total=SECONDS)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(url, data=message, proxy=proxy, ssl=trust) as answer,
        ):
            return await answer.text()

    return asyncio.run(post())


CLIENTS: dict[str, Callable[[str, str | None, str, bytes], str]] = {
    "requests": by_requests,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
}


def main(library: str, authorities: str, *posts: str) -> None:
    message = sys.stdin.buffer.read()
    for proxy, url in zip(posts[::2], posts[1::2], strict=True):
        try:
            shown = CLIENTS[library](authorities, None if proxy == "direct" else proxy, url, message)
        except Exception as error:  # the caller's view is the result
            shown = f"{type(error).__name__}: {error}"
        print(json.dumps(shown))


if __name__ == "__main__":
    main(*sys.argv[1:])
