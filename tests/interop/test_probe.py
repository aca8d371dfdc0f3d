"""The probe process, through a gate, at real servers: each verdict, and what it saw."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from licensegate.records.outcome import Outcome
from licensegate.records.target_verdict import TargetVerdict as Verdict
from support.certificates import Issued, issue
from support.look import HOST, ROOT, Looked, answering, look_at, tls_server
from support.sockets import reset, spin_until
from support.upstream import Upstream, closed_port, read_nothing

NAMES = (x509.DNSName(HOST),)
MIDDLE = issue("look middle", ROOT, authority=True)
LEAF = issue("look leaf", MIDDLE, names=NAMES)
FOREIGN = issue("corporate root", authority=True)


def looked(folder: Path, *chain: Issued, ahead: timedelta = timedelta(), ca: Issued | None = None) -> Looked:
    with answering(tls_server(folder, *chain), ahead=ahead) as server:
        return look_at(server.port, folder, ca=ca)


def looked_at(folder: Path, behaviour: Callable[[socket.socket], None]) -> Looked:
    with Upstream(behaviour) as server:
        return look_at(server.port, folder)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_good_target_is_public_and_fully_described(tmp_path: Path, newest: ssl.TLSVersion) -> None:
    context = tls_server(tmp_path, LEAF, MIDDLE)
    context.maximum_version = newest
    with answering(context, status="404 Not Found") as server:
        report = look_at(server.port, tmp_path).report
    assert (report.verdict, report.target, report.http_status) == (Verdict.PUBLIC, f"{HOST}:443", 404)
    assert [one.subject for one in report.chain] == ["CN=look leaf", "CN=look middle", "CN=look root"]
    assert report.skew_seconds is not None
    assert abs(report.skew_seconds) < 60
    assert report.flight_bytes > sum(len(one.pem) // 2 for one in (LEAF, MIDDLE))
    assert report.tls_version == newest.name.replace("_", ".")
    tickets = 2 if newest is ssl.TLSVersion.TLSv1_3 else 0
    assert len(report.ticket_bytes) == tickets


def test_the_record_of_a_look_is_a_probes(tmp_path: Path) -> None:
    records = looked(tmp_path, LEAF, MIDDLE).records
    assert {(record.event, record.listener, record.user) for record in records} == {("probe", "probe", "")}
    assert [record.is_connected for record in records if record.target] == [True]


@pytest.mark.parametrize(
    ("chain", "verdict"),
    [
        pytest.param([issue("look leaf", MIDDLE), MIDDLE], Verdict.PUBLIC, id="right name"),
        pytest.param(
            [issue("look leaf", MIDDLE, names=(x509.DNSName("other.example"),)), MIDDLE],
            Verdict.WRONG_NAME,
            id="wrong name",
        ),
        pytest.param([issue("look leaf", MIDDLE, days=(-9, -1)), MIDDLE], Verdict.EXPIRED, id="expired"),
        pytest.param([issue("look leaf", MIDDLE, days=(1, 9)), MIDDLE], Verdict.NOT_YET_VALID, id="not yet valid"),
        pytest.param([issue()], Verdict.SELF_SIGNED, id="self-signed"),
        pytest.param([issue("copy", FOREIGN), FOREIGN], Verdict.FOREIGN_ISSUER, id="intercepted"),
    ],
)
def test_a_target_is_judged_by_its_chain(tmp_path: Path, chain: list[Issued], verdict: Verdict) -> None:
    assert looked(tmp_path, *chain).report.verdict is verdict


def test_a_targets_date_shows_the_gates_wrong_clock(tmp_path: Path) -> None:
    report = looked(tmp_path, LEAF, MIDDLE, ahead=timedelta(hours=2)).report
    assert report.verdict is Verdict.GATE_CLOCK
    assert report.skew_seconds is not None
    assert abs(report.skew_seconds - 7200) < 60


def test_an_own_target_is_judged_by_the_ca_of_its_rule(tmp_path: Path) -> None:
    assert looked(tmp_path, issue("satellite", FOREIGN), ca=FOREIGN).report.verdict is Verdict.PRIVATE
    with answering(tls_server(tmp_path, issue("satellite", FOREIGN))) as server:
        assert look_at(server.port, tmp_path, private=True).report.verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("mode", "verdict"), [(ssl.CERT_REQUIRED, Verdict.CLIENT_CERTIFICATE), (ssl.CERT_OPTIONAL, Verdict.PUBLIC)]
)
def test_a_client_certificate_is_wanted_only_where_it_is_required(
    tmp_path: Path, newest: ssl.TLSVersion, mode: ssl.VerifyMode, verdict: Verdict
) -> None:
    context = tls_server(tmp_path, LEAF, MIDDLE)
    context.maximum_version = newest
    context.verify_mode = mode
    context.load_verify_locations(cadata=ROOT.pem.decode())
    with answering(context) as server:
        assert look_at(server.port, tmp_path).report.verdict is verdict


def _page(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n<h1>Blocked by your company</h1>")


def _banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    read_nothing(connection)


def _alert(number: int) -> Callable[[socket.socket], None]:
    def behaviour(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(bytes((21, 3, 3, 0, 2, 2, number)))

    return behaviour


def _cut(connection: socket.socket) -> None:
    connection.recv(4096)


def _reset(connection: socket.socket) -> None:
    connection.recv(4096)
    reset(connection)


def _half_a_flight(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(bytes((22, 3, 3, 0, 122, 2, 0, 0)))


@pytest.mark.parametrize(
    ("behaviour", "verdict", "words"),
    [
        pytest.param(_page, Verdict.NOT_TLS, "HTTP/1.1 403 Forbidden", id="block page"),
        pytest.param(_banner, Verdict.NOT_TLS, "SSH-2.0-OpenSSH", id="another protocol"),
        pytest.param(_alert(112), Verdict.HELLO_REFUSED, "112 (unrecognized_name)", id="name refused"),
        pytest.param(_alert(70), Verdict.HELLO_REFUSED, "70 (protocol_version)", id="no version at all"),
        pytest.param(_alert(40), Verdict.NO_COMMON_CIPHER, "40 (handshake_failure)", id="no common cipher"),
        pytest.param(_alert(200), Verdict.HELLO_REFUSED, "alert 200", id="unknown alert"),
        pytest.param(_cut, Verdict.HELLO_CUT, "without a byte", id="closed"),
        pytest.param(_reset, Verdict.HELLO_CUT, "without a byte", id="reset"),
        pytest.param(_half_a_flight, Verdict.HELLO_CUT, "after 8 bytes", id="closed in its flight"),
        pytest.param(read_nothing, Verdict.SILENT, "did not answer", id="silent"),
    ],
)
def test_a_target_without_a_handshake_is_told_by_what_it_did(
    tmp_path: Path, behaviour: Callable[[socket.socket], None], verdict: Verdict, words: str
) -> None:
    report = looked_at(tmp_path, behaviour).report
    assert report.verdict is verdict
    assert words in report.detail
    assert report.chain == ()


def test_a_target_that_cannot_be_dialled_is_told_by_the_gates_outcome(tmp_path: Path) -> None:
    report = look_at(closed_port(), tmp_path).report
    assert (report.verdict, report.outcome) == (Verdict.NOT_REACHED, Outcome.CONNECTION_REFUSED.label)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        pytest.param(["-tls1"], Verdict.SERVER_TOO_OLD, id="TLS 1.0"),
        pytest.param(["-tls1_1"], Verdict.SERVER_TOO_OLD, id="TLS 1.1"),
        pytest.param(["-tls1_2"], Verdict.PUBLIC, id="TLS 1.2"),
        pytest.param(["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"], Verdict.NO_COMMON_CIPHER, id="no common cipher"),
    ],
)
def test_an_old_server_is_told_from_one_with_other_ciphers(
    tmp_path: Path, options: list[str], verdict: Verdict
) -> None:
    certificate, key = LEAF.write(tmp_path, MIDDLE, stem="server")
    port = closed_port()
    files = ["-cert", str(certificate), "-cert_chain", str(certificate), "-key", str(key)]
    cipher = [] if "-cipher" in options else ["-cipher", "ALL:@SECLEVEL=0"]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", *files, "-www", "-quiet", *options, *cipher],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        spin_until(lambda: _listens(port))
        assert look_at(port, tmp_path).report.verdict is verdict
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
