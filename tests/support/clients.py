"""Every client that is tried with every way into the gate that it knows.

TLS to the proxy is known to curl, requests, httpx, aiohttp and Node. `openssl s_client` and Java have no such mode:
s_client's -proxy and Java's https.proxyHost mean plain HTTP. An agent for proxies, such as Node's https-proxy-agent, is
nothing that one could do without a proxy.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from support.client import Client, Door, Rejects, Tells, Trust, Visit
from support.exchange import MESSAGE
from support.java import JAVA_CLIENTS
from support.programs import run
from support.requirements import require_command, require_file

_INTEROP = Path(__file__).parents[1] / "interop"
_DEBIAN_MODULES = Path("/usr/share/nodejs")
_EVERY_WAY = tuple(Door)


def _one_by_one(
    post: Callable[[Sequence[str], Trust, Visit], str],
) -> Callable[[Sequence[str], Trust, Sequence[Visit]], list[str]]:
    return lambda inside, trust, visits: [post(inside, trust, visit) for visit in visits]


def _curl(inside: Sequence[str], trust: Trust, visit: Visit) -> str:
    url, proxy = visit.url, ("--proxy", visit.proxy) if visit.proxy else ()
    if visit.server_name:
        host = urlsplit(visit.url).hostname
        url = visit.url.replace(str(host), visit.server_name, 1)
        proxy = (*proxy, "--connect-to", f"{visit.server_name}:443:{host}:443")
    fixed = ("--silent", "--show-error", "--include", "--cacert", trust.pem, "--proxy-cacert", trust.pem)
    done = run(*inside, require_command("curl", "curl"), *fixed, *proxy, "--data-binary", "@-", url, stdin=MESSAGE)
    return f"{done.stderr}{done.stdout}"


def _s_client(inside: Sequence[str], trust: Trust, visit: Visit) -> str:
    url = urlsplit(visit.url)
    fields = f"Host: {url.netloc}\r\nContent-Length: {len(MESSAGE)}\r\nConnection: close\r\n"
    request = f"POST {url.path} HTTP/1.1\r\n{fields}\r\n".encode() + MESSAGE
    by = urlsplit(visit.proxy)
    proxy = ("-proxy", f"{by.hostname}:{by.port}") if visit.proxy else ()
    if by.username:
        proxy = (*proxy, "-proxy_user", by.username, "-proxy_pass", f"pass:{by.password}")
    server_name = ("-servername", visit.server_name or str(url.hostname))
    fixed = ("-CAfile", trust.pem, "-verify_return_error", "-quiet", "-connect", f"{url.hostname}:{url.port or 443}")
    openssl = require_command("openssl", "openssl")
    done = run(*inside, openssl, "s_client", *fixed, *proxy, *server_name, stdin=request)
    return f"{done.stderr}{done.stdout}"


def _node(script: str, inside: Sequence[str], trust: Trust, visit: Visit) -> str:
    where = {"NODE_EXTRA_CA_CERTS": str(trust.pem), "NODE_PATH": str(_DEBIAN_MODULES)}
    if script == "agent.js":
        require_file(_DEBIAN_MODULES / "https-proxy-agent", "node-https-proxy-agent")
    node, arguments = require_command("node", "nodejs"), (visit.proxy or "direct", visit.url, visit.server_name)
    done = run(*inside, node, _INTEROP / "node" / script, *arguments, stdin=MESSAGE, **where)
    return f"{done.stderr}{done.stdout}"


def _python(library: str, inside: Sequence[str], trust: Trust, visits: Sequence[Visit]) -> list[str]:
    pairs = [argument for visit in visits for argument in (visit.proxy or "direct", visit.url)]
    done = run(*inside, sys.executable, _INTEROP / "python/post.py", library, trust.pem, *pairs, stdin=MESSAGE)
    assert done.returncode == 0, done.stderr
    return [msgspec.json.decode(line, type=str) for line in done.stdout.splitlines()]


CLIENTS = (
    Client(
        name="curl",
        doors=_EVERY_WAY,
        post=_one_by_one(_curl),
        refusal=r"HTTP/1\.1 ([45].*)",
        agent="curl/",
        renames=True,
    ),
    Client(
        name="openssl",
        doors=(Door.HTTP, Door.TLS),
        post=_one_by_one(_s_client),
        refusal=r"s_client: HTTP CONNECT failed, reason= (.*)",
        http="1.0",
        renames=True,
    ),
    Client(
        name="node",
        doors=_EVERY_WAY,
        post=_one_by_one(partial(_node, "core.js")),
        refusal=r"the proxy answered (.*)",
        tells=Tells.BODY,
        rejects=Rejects.SILENTLY,
        renames=True,
    ),
    Client(
        name="https-proxy-agent",
        doors=(Door.HTTP, Door.HTTPS),
        post=_one_by_one(partial(_node, "agent.js")),
        refusal=r"\A(.*)",  # passed off as the server's own answer
        tells=Tells.BODY,
        rejects=Rejects.SILENTLY,
    ),
    Client(
        name="requests",
        doors=_EVERY_WAY,
        post=partial(_python, "requests"),
        refusal=r"ProxyError: .*Tunnel connection failed: (.*)",
        http="1.1" if sys.version_info >= (3, 12) else "1.0",  # that of Python's http.client
    ),
    Client(name="httpx", doors=_EVERY_WAY, post=partial(_python, "httpx"), refusal=r"ProxyError: (.*)"),
    Client(
        name="aiohttp",
        doors=_EVERY_WAY,
        post=partial(_python, "aiohttp"),
        refusal=r"ClientHttpProxyError: (\d+), message='(.*)'",
        rejects=Rejects.SILENTLY,
        agent="Python/",
    ),
    *JAVA_CLIENTS,
)
