"""`contact` in the records of real clients and servers, over a wire that breaks where the test says.

A failed contact never counts as answered, by any client with any server. Each target is new to the gate, so that none
of its tickets is known, but where a test opens a second connection.
"""

import contextlib
import functools
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import Struct

from support import java
from support.authority import Authority
from support.client_program import Post, Trust
from support.clients import CLIENTS
from support.gate import Gate, gate_settings
from support.java import RELEASES, STORE_PASSWORD
from support.programs import run
from support.requirements import require_command
from support.tls_origins import Break, OpenSslOrigin, Wire, gnutls_origin, jsse_origin, nginx_origin

pytestmark = pytest.mark.timeout(600)  # the first test of each client sends to every target

DOMAIN = "contact.test"
RULE = f'[[allowlist.rule]]\nhost = "*.{DOMAIN}"\n'
TLS_1_2 = ("openssl12", "jsse12")
SILENT = (Break.SILENT_AFTER_HELLO, Break.SILENT_BEHIND_HANDSHAKE)
SLOW = ("one-ticket", "no-ticket", "gnutls", "nginx", "jsse12", "jsse13")
"""Left out where each client waits for a while before it gives up."""

Run = Callable[[Sequence[str], Trust, Sequence[Post]], list[str]]


def _wget(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
    """GNU Wget, which Debian builds with GnuTLS."""
    shown = []
    for post in posts:
        fixed = ("-q", "-O", "-", "--tries=1", f"--ca-certificate={trust.pem}", "--post-data=x=1")
        proxy = ("-e", f"https_proxy={post.proxy}", "-e", "use_proxy=yes")
        done = run(*inside, require_command("wget", "wget"), *fixed, *proxy, post.url)
        shown.append(done.stdout + done.stderr)
    return shown


def _s_client(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
    """OpenSSL's own client. It resumes its session with a target that it is sent to again."""
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        for post in posts:
            url, session = urlsplit(post.url), Path(folder) / str(urlsplit(post.url).hostname)
            resumed = ("-sess_in", session) if session.exists() else ()
            fixed = ("-CAfile", trust.pem, "-verify_return_error", "-verify_hostname", str(url.hostname), "-quiet")
            way = (
                "-proxy",
                urlsplit(post.proxy).netloc,
                "-connect",
                f"{url.hostname}:443",
                "-servername",
                url.hostname,
            )
            request = f"GET {url.path} HTTP/1.1\r\nHost: {url.hostname}\r\nConnection: close\r\n\r\n".encode()
            openssl = require_command("openssl", "openssl")
            command = (*inside, openssl, "s_client", *fixed, *map(str, way), *resumed, "-sess_out", session)
            done = run(*command, stdin=request)
            shown.append(done.stdout + done.stderr)
    return shown


def _curl(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
    """curl. Requests to the same target are made by one process, which resumes its sessions."""
    shown = []
    for name in dict.fromkeys(post.url for post in posts):
        same = [post for post in posts if post.url == name]
        fixed = ("-sS", "-i", "--cacert", trust.pem, "--proxy", same[0].proxy, "-H", "Connection: close", "-d", "x=1")
        done = run(*inside, require_command("curl", "curl"), *fixed, *(post.url for post in same))
        shown += [done.stdout + done.stderr] * len(same)
    return shown


_JAVA_OPTIONS = ("-Dsun.net.client.defaultReadTimeout=1000", "-Dhttp.keepAlive=false")

RUNS: dict[str, Run] = {
    "curl": _curl,
    "openssl": _s_client,
    "wget": _wget,
    "node": next(client.post for client in CLIENTS if client.name == "node"),
    **{
        f"java{release}": functools.partial(java.post, release, "UrlConnection", options=_JAVA_OPTIONS)
        for release in RELEASES
    },
}
every_client = pytest.mark.parametrize("client", RUNS)


class Origins(Struct):
    """The port of each server that this machine has."""

    ports: dict[str, int]
    wrong_name: int
    wants_certificate: dict[str, int]


@pytest.fixture(scope="module")
def origins(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origins]:
    folder = tmp_path_factory.mktemp("origins")
    leaf, other = authority.issue(f"*.{DOMAIN}"), authority.issue("elsewhere.test")
    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        yield Origins(
            {
                "openssl12": start(OpenSslOrigin(leaf, old)).port,
                "openssl13": start(OpenSslOrigin(leaf, new)).port,
                "one-ticket": start(OpenSslOrigin(leaf, new, tickets=1)).port,
                "no-ticket": start(OpenSslOrigin(leaf, new, tickets=0)).port,
                "gnutls": start(gnutls_origin(leaf)),
                "nginx": start(nginx_origin(leaf, folder)),
                "jsse12": start(jsse_origin(leaf, folder, "TLSv1.2")),
                "jsse13": start(jsse_origin(leaf, folder, "TLSv1.3")),
            },
            start(OpenSslOrigin(other, new)).port,
            {
                name: start(OpenSslOrigin(leaf, v, client_ca=authority.root)).port
                for name, v in [("old", old), ("new", new)]
            },
        )


@pytest.fixture(scope="module")
def trust(authority: Authority) -> Trust:
    return Trust(authority.root, authority.java_truststore(STORE_PASSWORD))


@pytest.fixture(scope="module")
def unrelated(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    other = Authority(tmp_path_factory.mktemp("unrelated"), "unrelated CA")
    return Trust(other.root, other.java_truststore(STORE_PASSWORD))


class Seen(Struct):
    """What a client showed of a target, and the contacts of its tunnels there, in order."""

    shown: list[str]
    contacts: list[str]


def contacts(
    folder: Path, client: str, trust: Trust, ports: dict[str, int], *, times: int = 1, path: str = "/"
) -> dict[str, Seen]:
    """Send a client to each target, through a new gate, and return what became of it by the target's name.

    A client may try again by itself, as Java does after a cut.
    """
    targets = (f"{name}.{DOMAIN}:443:127.0.0.1:{port}" for name, port in ports.items())
    names = [name for name in ports for _ in range(times)]
    with Gate(folder, gate_settings(*targets, more=RULE)) as gate:
        posts = [Post(f"https://{name}.{DOMAIN}{path}", gate.url) for name in names]
        inside = ("timeout", "--foreground", "60" if client.startswith("java") else "6")
        shown = RUNS[client](inside, trust, posts)
        seen = {name: Seen([], []) for name in ports}
        for name, text in zip(names, shown, strict=True):
            seen[name].shown.append(text)
        gate.stop()  # which ends what waits for an answer that never comes
        for record in sorted(gate.records(), key=lambda record: str(record["id"])):
            seen[record["target"].partition(".")[0]].contacts.append(record.get("contact", ""))
    assert all(len(one.contacts) >= times for one in seen.values()), seen
    return seen


@pytest.fixture
def wires() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@every_client
@pytest.mark.parametrize("path", ["/", "/tiny"])
def test_an_answer_of_any_server_is_seen(
    tmp_path: Path, client: str, origins: Origins, trust: Trust, path: str
) -> None:
    """Without tickets, an answer in one record may be one: it is seen once a look at the target said so."""
    seen = contacts(tmp_path, client, trust, origins.ports, path=path)

    assert all("stand_in" in one.shown[0] for name, one in seen.items() if path == "/" and name != "gnutls"), [
        (n, o) for n, o in seen.items()
    ]
    assert set(seen.pop("no-ticket").contacts) == {"request_unanswered"}
    assert {contact for one in seen.values() for contact in one.contacts} == {"answered"}, seen


ASKED = {"request_unanswered", "handshake_unused"}  # some clients ask only once the tickets have come
BROKEN = {
    Break.SILENT_AFTER_HELLO: {"hello_unanswered"},
    Break.CUT_AFTER_HELLO: {"hello_cut"},
    Break.CUT_IN_FLIGHT: {"handshake_cut"},
    Break.CUT_BEHIND_HANDSHAKE: ASKED,
    Break.SILENT_BEHIND_HANDSHAKE: ASKED,
    Break.CUT_BEHIND_ONE_RECORD: ASKED,
}


@every_client
@pytest.mark.parametrize("place", BROKEN, ids=lambda place: place.name.lower())
def test_a_contact_that_broke_is_not_answered(
    tmp_path: Path, client: str, origins: Origins, trust: Trust, wires: contextlib.ExitStack, place: Break
) -> None:
    """The one record behind the handshake is a ticket in TLS 1.3, and already the answer in TLS 1.2."""
    left_out = (*TLS_1_2, "no-ticket") if place is Break.CUT_BEHIND_ONE_RECORD else SLOW if place in SILENT else ()
    ports = {
        name: wires.enter_context(Wire(port, place)).port
        for name, port in origins.ports.items()
        if name not in left_out
    }
    seen = contacts(tmp_path, client, trust, ports)

    assert {contact for one in seen.values() for contact in one.contacts} <= BROKEN[place], seen


@pytest.mark.parametrize("client", ["curl", "openssl", *(name for name in RUNS if name.startswith("java"))])
def test_a_resumed_session_is_judged_alike(
    tmp_path: Path, client: str, origins: Origins, trust: Trust, wires: contextlib.ExitStack
) -> None:
    """The second connection is cut behind its only ticket, or not at all."""
    several = {name: port for name, port in origins.ports.items() if name not in (*TLS_1_2, "no-ticket")}
    wired = {f"{name}-cut": Wire(port, Break.CUT_BEHIND_ONE_RECORD, 2) for name, port in several.items()}
    ports = {name: wires.enter_context(wire).port for name, wire in wired.items()} | several
    seen = contacts(tmp_path, client, trust, ports, times=2)

    second = {name: "request_unanswered" if name.endswith("-cut") else "answered" for name in ports}
    assert {name: one.contacts[0] for name, one in seen.items()} == dict.fromkeys(ports, "answered")
    assert {name: set(one.contacts[1:]) for name, one in seen.items()} == {name: {second[name]} for name in ports}


NEVER_ALERTS = {"node", "wget"}
"""Clients that reject a certificate without a word, some of them after a whole handshake."""


@every_client
def test_a_rejected_certificate_is_not_answered(
    tmp_path: Path, client: str, origins: Origins, unrelated: Trust
) -> None:
    seen = contacts(tmp_path, client, unrelated, origins.ports)

    told = {contact for one in seen.values() for contact in one.contacts}
    silent = {"handshake_unused", "handshake_cut"}
    assert told <= (silent if client in NEVER_ALERTS else {"certificate_rejected"})


@every_client
def test_a_certificate_for_another_name_is_not_answered(
    tmp_path: Path, client: str, origins: Origins, trust: Trust
) -> None:
    seen = contacts(tmp_path, client, trust, {"other": origins.wrong_name})

    assert seen["other"].contacts[0] in {"certificate_rejected", "handshake_unused", "handshake_cut"}


@every_client
def test_a_server_that_wants_a_certificate_does_not_answer(
    tmp_path: Path, client: str, origins: Origins, trust: Trust
) -> None:
    seen = contacts(tmp_path, client, trust, origins.wants_certificate)

    assert set(seen["old"].contacts) == {"handshake_cut"}
    assert set(seen["new"].contacts) <= ASKED
