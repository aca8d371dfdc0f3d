"""TLS to the gate: half-close with Node and Python, and protocol details with s_client."""

import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.wire.tls_layer import TlsFailure
from support.blocking_channel import BlockingChannel
from support.certificates import issue
from support.programs import run
from support.requirements import require_command
from support.tls_memory import VERSIONS, client_context
from support.upstream import SECONDS, Upstream

HALF_CLOSE = Path(__file__).with_name("node") / "half_close.js"
ANSWER = b"gate" * (1 << 18)
SENT = 1 << 20

Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return issue().write(tmp_path)[0]


@pytest.fixture
def served(certificate: Path) -> ssl.SSLContext:
    return load_identity(certificate, certificate.with_suffix(".key")).context


def answer_after_end(served: ssl.SSLContext, heard: list[int]) -> Behaviour:
    """Read the client to its end, then answer."""

    def behave(sock: socket.socket) -> None:
        client = BlockingChannel(sock, served)
        heard.append(len(client.read_to_end()))
        client.send(ANSWER)
        client.close_notify()

    return behave


def end_first(served: ssl.SSLContext, heard: list[int]) -> Behaviour:
    """Send the answer, end, then read the client to its end."""

    def behave(sock: socket.socket) -> None:
        client = BlockingChannel(sock, served)
        client.send(ANSWER)
        client.close_notify()
        heard.append(len(client.read_to_end()))

    return behave


ORDERS = pytest.mark.parametrize(
    ("behaviour", "turn"),
    [(answer_after_end, "first"), (end_first, "second")],
    ids=["client ends first", "gate ends first"],
)


@ORDERS
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_node_sends_and_receives_everything_across_a_half_close(
    certificate: Path,
    served: ssl.SSLContext,
    behaviour: Callable[[ssl.SSLContext, list[int]], Behaviour],
    turn: str,
    version: str,
) -> None:
    command = require_command("node", "nodejs")
    heard: list[int] = []

    with Upstream(behaviour(served, heard)) as gate:
        done = run(command, HALF_CLOSE, str(gate.port), certificate, version, turn)

    assert (done.returncode, done.stderr) == (0, "")
    assert (int(done.stdout), heard) == (len(ANSWER), [SENT])


@pytest.mark.parametrize("version", list(VERSIONS.values()), ids=list(VERSIONS))
def test_python_reads_the_answer_after_ending_tcp(
    certificate: Path, served: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """Python cannot read after sending close_notify, but it can end TCP without one."""
    heard: list[int] = []
    answer = b""

    with Upstream(answer_after_end(served, heard)) as gate:
        tcp = socket.create_connection(("127.0.0.1", gate.port), SECONDS)
        with client_context(certificate, version).wrap_socket(tcp, server_hostname="gate.example") as client:
            client.sendall(bytes(SENT))
            socket.socket.shutdown(client, socket.SHUT_WR)
            while part := client.recv(65536):
                answer += part

    assert (answer, heard) == (ANSWER, [SENT])


@pytest.fixture
def s_client(certificate: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    command = require_command("openssl", "openssl")

    def call(port: int, *options: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
        fixed = ("-connect", f"127.0.0.1:{port}", "-CAfile", str(certificate), "-verify_return_error")
        return run(command, "s_client", *fixed, "-verify_hostname", "gate.example", *options, stdin=stdin)

    return call


def test_close_notify_from_s_client_is_an_end(served: ssl.SSLContext, s_client: Callable[..., object]) -> None:
    heard: list[bytes] = []

    with Upstream(lambda sock: heard.append(BlockingChannel(sock, served).read_to_end())) as gate:
        s_client(gate.port, stdin=b"hello")

    assert heard == [b"hello"]


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_tls_before_1_2_is_refused_with_an_alert(
    served: ssl.SSLContext, s_client: Callable[..., "subprocess.CompletedProcess[str]"], version: str
) -> None:
    details: list[str] = []

    def behave(sock: socket.socket) -> None:
        with pytest.raises(TlsFailure) as raised:
            BlockingChannel(sock, served)
        details.append(raised.value.detail)

    with Upstream(behave) as gate:
        done = s_client(gate.port, version, "-cipher", "ALL:@SECLEVEL=0")

    assert details == ["unsupported protocol"]
    assert "alert protocol version" in done.stderr


def test_renegotiation_is_refused(
    served: ssl.SSLContext, s_client: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    heard: list[bytes] = []

    with Upstream(lambda sock: heard.append(BlockingChannel(sock, served).read_to_end())) as gate:
        done = s_client(gate.port, "-tls1_2", stdin=b"R\n")

    assert "no renegotiation" in done.stderr


def test_no_session_ticket_is_sent(
    served: ssl.SSLContext, s_client: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    with Upstream(lambda sock: BlockingChannel(sock, served).close_notify()) as gate:
        done = s_client(gate.port, "-tls1_3", "-ign_eof", "-alpn", "h2,http/1.1")

    assert "New Session Ticket" not in done.stdout
    assert "ALPN protocol: http/1.1" in done.stdout
    assert "Verify return code: 0 (ok)" in done.stdout
