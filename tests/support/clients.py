"""The clients under test, and the protocols that each can speak to the gate.

curl, requests, httpx, aiohttp and Node support TLS to the proxy. `openssl s_client` and Java do not: s_client's -proxy
and Java's https.proxyHost mean plain HTTP. Node's https-proxy-agent works only with a proxy.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from support.client_program import CertificateAlert, Client, GateProtocol, Post, RefusalDetail, Trust
from support.java import JAVA_CLIENTS
from support.licensing_exchange import MESSAGE
from support.programs import run
from support.requirements import require_command, require_file

_INTEROP = Path(__file__).parents[1] / "interop"
_DEBIAN_MODULES = Path("/usr/share/nodejs")
_ALL_PROTOCOLS = tuple(GateProtocol)


def _one_by_one(
    post: Callable[[Sequence[str], Trust, Post], str],
) -> Callable[[Sequence[str], Trust, Sequence[Post]], list[str]]:
    return lambda inside, trust, posts: [post(inside, trust, post_request) for post_request in posts]


def _curl(inside: Sequence[str], trust: Trust, post_request: Post) -> str:
    url, proxy = post_request.url, ("--proxy", post_request.proxy) if post_request.proxy else ()
    if post_request.server_name:
        host = urlsplit(post_request.url).hostname
        url = post_request.url.replace(str(host), post_request.server_name, 1)
        proxy = (*proxy, "--connect-to", f"{post_request.server_name}:443:{host}:443")
    fixed = ("--silent", "--show-error", "--include", "--cacert", trust.pem, "--proxy-cacert", trust.pem)
    done = run(*inside, require_command("curl", "curl"), *fixed, *proxy, "--data-binary", "@-", url, stdin=MESSAGE)
    return f"{done.stderr}{done.stdout}"


def _s_client(inside: Sequence[str], trust: Trust, post_request: Post) -> str:
    url = urlsplit(post_request.url)
    fields = f"Host: {url.netloc}\r\nContent-Length: {len(MESSAGE)}\r\nConnection: close\r\n"
    request = f"POST {url.path} HTTP/1.1\r\n{fields}\r\n".encode() + MESSAGE
    by = urlsplit(post_request.proxy)
    proxy = ("-proxy", f"{by.hostname}:{by.port}") if post_request.proxy else ()
    if by.username:
        proxy = (*proxy, "-proxy_user", by.username, "-proxy_pass", f"pass:{by.password}")
    server_name = ("-servername", post_request.server_name or str(url.hostname))
    fixed = ("-CAfile", trust.pem, "-verify_return_error", "-quiet", "-connect", f"{url.hostname}:{url.port or 443}")
    openssl = require_command("openssl", "openssl")
    done = run(*inside, openssl, "s_client", *fixed, *proxy, *server_name, stdin=request)
    return f"{done.stderr}{done.stdout}"


def _node(script: str, inside: Sequence[str], trust: Trust, post_request: Post) -> str:
    where = {"NODE_EXTRA_CA_CERTS": str(trust.pem), "NODE_PATH": str(_DEBIAN_MODULES)}
    if script == "agent.js":
        require_file(_DEBIAN_MODULES / "https-proxy-agent", "node-https-proxy-agent")
    node, arguments = (
        require_command("node", "nodejs"),
        (post_request.proxy or "direct", post_request.url, post_request.server_name),
    )
    done = run(*inside, node, _INTEROP / "node" / script, *arguments, stdin=MESSAGE, **where)
    return f"{done.stderr}{done.stdout}"


def _python(library: str, inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
    pairs = [argument for post_request in posts for argument in (post_request.proxy or "direct", post_request.url)]
    done = run(*inside, sys.executable, _INTEROP / "python/post.py", library, trust.pem, *pairs, stdin=MESSAGE)
    assert done.returncode == 0, done.stderr
    return [msgspec.json.decode(line, type=str) for line in done.stdout.splitlines()]


CLIENTS = (
    Client(
        name="curl",
        protocols=_ALL_PROTOCOLS,
        post=_one_by_one(_curl),
        refusal=r"HTTP/1\.1 ([45].*)",
        agent="curl/",
        sets_server_name=True,
    ),
    Client(
        name="openssl",
        protocols=(GateProtocol.HTTP, GateProtocol.TLS),
        post=_one_by_one(_s_client),
        refusal=r"s_client: HTTP CONNECT failed, reason= ?(.*)",
        http="1.0",
        sets_server_name=True,
    ),
    Client(
        name="node",
        protocols=_ALL_PROTOCOLS,
        post=_one_by_one(partial(_node, "core.js")),
        refusal=r"the proxy answered (.*)",
        refusal_detail=RefusalDetail.BODY,
        certificate_alert=CertificateAlert.NONE,
        sets_server_name=True,
    ),
    Client(
        name="https-proxy-agent",
        protocols=(GateProtocol.HTTP, GateProtocol.HTTPS),
        post=_one_by_one(partial(_node, "agent.js")),
        refusal=r"\A(.*)",  # shown as if it were the server's answer
        refusal_detail=RefusalDetail.BODY,
        certificate_alert=CertificateAlert.NONE,
    ),
    Client(
        name="requests",
        protocols=_ALL_PROTOCOLS,
        post=partial(_python, "requests"),
        refusal=r"ProxyError: .*Tunnel connection failed: (.*)",
        http="1.1" if sys.version_info >= (3, 12) else "1.0",  # as Python's http.client sends
    ),
    Client(name="httpx", protocols=_ALL_PROTOCOLS, post=partial(_python, "httpx"), refusal=r"ProxyError: (.*)"),
    Client(
        name="aiohttp",
        protocols=_ALL_PROTOCOLS,
        post=partial(_python, "aiohttp"),
        refusal=r"ClientHttpProxyError: (\d+), message='(.*)'",
        certificate_alert=CertificateAlert.NONE,
        agent="Python/",
    ),
    *JAVA_CLIENTS,
)
