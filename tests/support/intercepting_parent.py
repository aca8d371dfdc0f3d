"""proxy.py as a parent that breaks TLS open, with an authority of its own."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.authority import Authority
from support.programs import run
from support.requirements import require_command
from support.upstream import SECONDS

ISSUER = "Example Corp TLS Inspection"


@contextlib.contextmanager
def intercepting_parent(folder: Path, upstream: Authority, port: int, inside: Sequence[str]) -> Iterator[None]:
    """Serve on this port of the network. The parent itself trusts the authority `upstream`."""
    folder.mkdir()
    openssl = require_command("openssl", "openssl")
    for key in ("ca.key", "signing.key"):
        assert run(openssl, "genrsa", "-out", folder / key, "2048").returncode == 0
    made = run(
        *(openssl, "req", "-x509", "-new", "-key", folder / "ca.key", "-days", "9", "-out", folder / "ca.pem"),
        *("-subj", f"/CN={ISSUER}"),
    )
    assert made.returncode == 0, made.stderr
    command = Path(sys.executable).with_name("proxy")
    process = subprocess.Popen(
        [*inside, command, "--hostname", "127.0.0.1", "--port", str(port), "--num-workers", "1", "--num-acceptors", "1",
         "--ca-key-file", folder / "ca.key", "--ca-cert-file", folder / "ca.pem",
         "--ca-signing-key-file", folder / "signing.key", "--ca-cert-dir", folder / "made",
         "--ca-file", upstream.root, "--data-dir", folder / "data"],
        stdout=(folder / "log").open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        await_port(process, port, inside)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def await_port(process: "subprocess.Popen[bytes]", port: int, inside: Sequence[str]) -> None:
    """Wait until a process listens on a port of 127.0.0.1 in its network."""
    deadline = time.monotonic() + SECONDS
    asking = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()"
    while run(*inside, sys.executable, "-c", asking, str(port)).returncode != 0:
        assert process.poll() is None, f"{process.args!r} ended"
        assert time.monotonic() < deadline, f"{process.args!r} does not listen"
        time.sleep(0.1)
