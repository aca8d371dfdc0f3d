"""The clients of the matrix by name: each posts a licensing message to an https:// URL through a proxy."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from support import java
from support.client_program import Post, Trust
from support.clients import CLIENTS as PROGRAMS
from support.licensing_exchange import MESSAGE
from support.programs import run
from support.requirements import require_command

Posting = Callable[[Sequence[str], Trust, Sequence[Post]], list[str]]
"""Runs a program with a command prefix, roots and POSTs. Returns what it showed for each."""

_PATIENT = "-Dsun.net.client.defaultReadTimeout=10000"  # without it, Java waits for ever

PATIENCE = 2
"""Seconds that the impatient clients wait."""

UPLOAD = b"x" * 20_000_000
"""More than the buffers on the way hold."""


def _curl(*options: str, message: bytes = MESSAGE, urls: int = 1) -> Posting:
    def post(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
        return [one(inside, trust, each) for each in posts]

    def one(inside: Sequence[str], trust: Trust, wanted: Post) -> str:
        fixed = ("--silent", "--show-error", "--include", "--cacert", trust.pem, "--proxy-cacert", trust.pem)
        proxy = ("--proxy", wanted.proxy) if wanted.proxy else ()
        command = (*inside, require_command("curl", "curl"), *fixed, *proxy, *options)
        done = run(*command, "--data-binary", "@-", *[wanted.url] * urls, stdin=message)
        return f"{done.stderr}{done.stdout}"

    return post


def _s_client(*options: str) -> Posting:
    def post(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
        return [one(inside, trust, each) for each in posts]

    def one(inside: Sequence[str], trust: Trust, wanted: Post) -> str:
        url, proxy = urlsplit(wanted.url), urlsplit(wanted.proxy).netloc
        head = f"POST / HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(MESSAGE)}\r\nConnection: close\r\n\r\n"
        to = ("-proxy", proxy, "-connect", f"{url.hostname}:443", "-servername", str(url.hostname))
        fixed = ("-CAfile", trust.pem, "-verify_return_error", "-quiet")
        openssl = require_command("openssl", "openssl")
        done = run(*inside, openssl, "s_client", *to, *fixed, *options, stdin=head.encode() + MESSAGE)
        return f"{done.stderr}{done.stdout}"

    return post


def _wget(*options: str) -> Posting:
    """GNU wget, which Debian builds with GnuTLS. It posts as the others do and tries once."""

    def post(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
        return [one(inside, trust, each) for each in posts]

    def one(inside: Sequence[str], trust: Trust, wanted: Post) -> str:
        wget = require_command("wget", "wget")
        fixed = ("--no-config", "--no-hsts", "--tries=1", "--output-document=-", "--server-response")
        roots = (f"--ca-certificate={trust.pem}", "--ca-directory=/nonexistent")
        body = f"--post-data={MESSAGE.decode()}"
        done = run(*inside, wget, *fixed, *roots, *options, body, wanted.url, https_proxy=wanted.proxy)
        return f"{done.stderr}{done.stdout}"

    return post


def _java(release: int, program: str = "UrlConnection", *options: str) -> Posting:
    return partial(java.post, release, program, options=(_PATIENT, *options))


def _twice(posting: Posting) -> Posting:
    """Each POST twice in one process. What the second one got is shown."""
    return lambda inside, trust, posts: posting(inside, trust, [each for each in posts for _ in range(2)])[1::2]


def _nameless(inside: Sequence[str], trust: Trust, posts: Sequence[Post]) -> list[str]:
    command = (*inside, require_command("openssl", "openssl"), "s_client", "-noservername", "-verify_return_error")
    return [run(*command, "-CAfile", trust.pem, "-connect", urlsplit(each.proxy).netloc).stderr for each in posts]


_BY_NAME = {client.name: client.post for client in PROGRAMS}
_TLS_1_2 = "-Djdk.tls.client.protocols=TLSv1.2"
_IMPATIENT = f"-Dsun.net.client.defaultReadTimeout={PATIENCE * 1000}"

CLIENTS: Mapping[str, tuple[str, Posting]] = {
    "curl": ("curl", _curl()),
    "curl_any": ("curl", _curl("--proxy-anyauth")),
    "curl_12": ("curl with TLS 1.2", _curl("--tls-max", "1.2")),
    "curl_10": ("curl with TLS 1.0", _curl("--tls-max", "1.0", "--ciphers", "DEFAULT@SECLEVEL=0")),
    "curl_impatient": (f"curl that waits {PATIENCE} s", _curl("--max-time", str(PATIENCE))),
    "curl_impatient_12": (
        f"curl with TLS 1.2 that waits {PATIENCE} s",
        _curl("--tls-max", "1.2", "--max-time", str(PATIENCE)),
    ),
    "curl_upload": ("curl with a large upload", _curl("--max-time", "4", message=UPLOAD)),
    "curl_twice": ("curl, which resumes its session", _curl(urls=2)),
    "openssl": ("openssl s_client", _s_client()),
    "openssl_late": ("openssl s_client with a clock in 2030", _s_client("-attime", "1893456000")),
    "openssl_early": ("openssl s_client with a clock in 2001", _s_client("-attime", "1000000000")),
    "openssl_nameless": ("openssl s_client, straight to port 443 without a server name", _nameless),
    "openssl_12": ("openssl s_client with TLS 1.2", _s_client("-tls1_2")),
    "openssl_10": ("openssl s_client with TLS 1.0", _s_client("-tls1", "-cipher", "ALL:@SECLEVEL=0")),
    "wget": ("GnuTLS wget", _wget()),
    "wget_12": ("GnuTLS wget with TLS 1.2", _wget("--secure-protocol=TLSv1_2", "--ciphers=NORMAL:-VERS-TLS1.3")),
    "node": ("Node", _BY_NAME["node"]),
    "requests": ("Python requests", _BY_NAME["requests"]),
    **{f"java_{release}": (f"Java {release}", _java(release)) for release in java.RELEASES},
    **{
        f"java_{release}_12": (f"Java {release} with TLS 1.2", _java(release, "UrlConnection", _TLS_1_2))
        for release in java.RELEASES
    },
    "java_17_twice": ("Java 17, which resumes its session", _twice(_java(17))),
    "java_17_impatient": (f"Java 17 that waits {PATIENCE} s", _java(17, "UrlConnection", _IMPATIENT)),
    "java_17_http": ("java.net.http of Java 17", _java(17, "NetHttp")),
    "java_25_http": ("java.net.http of Java 25", _java(25, "NetHttp")),
    "java_17_apache": ("HttpClient 4.5 on Java 17", _java(17, "ApacheHttp")),
}
"""What the page calls each client, and how it runs."""


def posts_at_once(client: str) -> int:
    """How many POSTs one process of the client does: several save starting Java."""
    return 6 if client.startswith("java") else 1
