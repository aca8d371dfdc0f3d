"""Java's TLS trusts the gate's self-signed certificate, and reads the answer after its own close_notify."""

import socket
import subprocess
from pathlib import Path

import pytest

from licensegate.certs.load_or_create import load_or_create_identity
from support.blocking_channel import BlockingChannel
from support.java import RELEASES, STORE_PASSWORD, compiled, runtime
from support.programs import run
from support.requirements import require_command
from support.upstream import Upstream

NAMES = ("gate.example", "127.0.0.1")
HELLO = b"hello" * 100_000
ANSWER = b"gate" * 100_000


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with the gate's self-signed certificate."""
    load_or_create_identity(None, None, NAMES, None, tmp_path)
    return tmp_path


@pytest.fixture
def store(state: Path) -> Path:
    """A trust store with that certificate, made with keytool as an administrator does."""
    keytool, store = require_command("keytool", "default-jdk-headless"), state / "store.p12"
    importing = (keytool, "-importcert", "-noprompt", "-alias", "gate", "-file", state / "gate.pem")
    subprocess.run((*importing, "-keystore", store, "-storepass", STORE_PASSWORD), check=True, capture_output=True)
    return store


@pytest.mark.parametrize("release", RELEASES, ids="java{}".format)
@pytest.mark.parametrize(("name", "version"), [(NAMES[0], "TLSv1.2"), (NAMES[1], "TLSv1.3")])
def test_java_trusts_the_certificate_and_reads_after_close_notify(
    release: int, state: Path, store: Path, name: str, version: str
) -> None:
    served = load_or_create_identity(None, None, NAMES, None, state).value.context
    trust = (f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}")
    heard = []

    def behave(sock: socket.socket) -> None:
        client = BlockingChannel(sock, served)
        heard.append(client.read_to_end())
        client.send(ANSWER)
        client.close_notify()

    with Upstream(behave) as gate:
        program = ("-cp", compiled("TlsSocket"), "TlsSocket")
        command = (runtime(release), *trust, *program, name, str(gate.port), version)
        done = run(*command, stdin=HELLO)

    assert done.returncode == 0, done.stderr
    assert heard == [HELLO]
    assert done.stdout.encode() == ANSWER
