"""Targets and interceptors that are programs of their own: OpenSSL's, GnuTLS's and Java's servers, and mitmproxy."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from support.java import compiled, runtime
from support.matrix.chains import Chains
from support.requirements import missing, require_command
from support.upstream import SECONDS, closed_port

_ROOT = Path(__file__).parents[3]
_MITMDUMP = _ROOT / "build/mitmproxy/bin/mitmdump"


@contextlib.contextmanager
def started(*command: str | Path, listens: int, folder: Path) -> Iterator[None]:
    """Run a server that listens on this port. It is ended by SIGTERM."""
    log = folder / f"{Path(command[0]).name}-{listens}.log"
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder
        )
    try:
        deadline = time.monotonic() + 2 * SECONDS  # a loaded machine starts Java and mitmproxy late
        while not _listens(listens):
            assert process.poll() is None, f"{command[0]} ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{command[0]} is not ready:\n{log.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()  # proxy.py ends its children
        process.wait(SECONDS)


def _listens(port: int) -> bool:
    """Whether something listens on this port, asked without connecting (proc(5))."""
    lines = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()]
    return any(fields[1].endswith(f":{port:04X}") and fields[3] == "0A" for fields in lines)


@contextlib.contextmanager
def old_openssl(chains: Chains, folder: Path) -> Iterator[int]:
    """OpenSSL's server with TLS 1.0 alone."""
    leaf, port = chains.leaves["good"], closed_port()
    openssl = require_command("openssl", "openssl")
    server = (openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-tls1", "-cipher", "ALL:@SECLEVEL=0")
    with started(
        *server, "-cert", leaf.chain, "-cert_chain", leaf.chain, "-key", leaf.key, listens=port, folder=folder
    ):
        yield port


@contextlib.contextmanager
def gnutls(chains: Chains, folder: Path) -> Iterator[int]:
    """GnuTLS's server, which answers with a page."""
    leaf, port = chains.leaves["good"], closed_port()
    server = (require_command("gnutls-serv", "gnutls-bin"), "--http", f"--port={port}", "--disable-client-cert")
    with started(*server, f"--x509certfile={leaf.chain}", f"--x509keyfile={leaf.key}", listens=port, folder=folder):
        yield port


@contextlib.contextmanager
def java(chains: Chains, folder: Path) -> Iterator[int]:
    """Java's HttpsServer, whose whole flight is one record and whose tickets are long."""
    leaf, store, port = chains.leaves["good"], folder / "java-server.p12", closed_port()
    openssl = require_command("openssl", "openssl")
    exporting = (openssl, "pkcs12", "-export", "-in", leaf.chain, "-inkey", leaf.key, "-out", store)
    subprocess.run((*exporting, "-passout", "pass:changeit"), check=True, capture_output=True)
    program = (runtime(17), "-XX:TieredStopAtLevel=1", "-cp", compiled("HttpsAnswers"), "HttpsAnswers")
    with started(*program, store, str(port), listens=port, folder=folder):
        yield port


@contextlib.contextmanager
def mitmproxy(folder: Path, *mode: str) -> Iterator[int]:
    """mitmproxy in one of its modes, with a root of its own that no client knows."""
    if not _MITMDUMP.exists():
        missing("mitmproxy", "run scripts/mitmproxy.sh")
    port, home = closed_port(), folder / f"mitmproxy-{os.urandom(4).hex()}"
    options = ("--listen-host=127.0.0.1", f"--listen-port={port}", "--set", f"confdir={home}", "--quiet")
    with started(_MITMDUMP, *options, "--ssl-insecure", *mode, listens=port, folder=folder):
        yield port


@contextlib.contextmanager
def proxy_py(folder: Path, *options: str) -> Iterator[int]:
    """PyPI's proxy.py."""
    port, command = closed_port(), Path(sys.executable).with_name("proxy")
    fixed = ("--hostname", "127.0.0.1", "--port", str(port), "--num-workers", "1", "--num-acceptors", "1")
    with started(command, *fixed, *options, listens=port, folder=folder):
        yield port


def programs(chains: Chains, folder: Path, good: int) -> Mapping[str, Callable[[], AbstractContextManager[int]]]:
    """Each program by its name: on entry it gives its port. `good` is the port of the target to intercept."""
    to_good = f"--mode=reverse:https://127.0.0.1:{good}"
    return {
        "old_openssl": lambda: old_openssl(chains, folder),
        "gnutls": lambda: gnutls(chains, folder),
        "java": lambda: java(chains, folder),
        "intercepted": lambda: mitmproxy(folder, to_good, "--set=keep_host_header"),
        "intercepted_12": lambda: mitmproxy(folder, to_good, "--set=tls_version_client_max=TLS1_2"),
    }
