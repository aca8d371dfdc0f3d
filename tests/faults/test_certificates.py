"""The gate reloads its certificate when the files change, keeps it when they are unusable, and tunnels go on."""

import hashlib
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from support.certificates import Issued, issue, revoke
from support.gate import ANYTHING, Gate, GateEndedError, cisco_at, gate_settings
from support.raw_client import assert_carries, dial, dial_tls, open_tunnel, secured
from support.upstream import Upstream, echo

IN_FORCE, STAYS = "a new certificate is in force", "the certificate in force stays"
SETTINGS = '[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n'


def presented(gate: Gate) -> str:
    """The SHA-256 of the certificate that the gate presents."""
    with dial_tls(gate) as client:
        return hashlib.sha256(client.getpeercert(binary_form=True) or b"").hexdigest()


def digest(issued: Issued) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(issued.pem.decode())).hexdigest()


def test_a_new_certificate_is_served_a_bad_one_is_not_and_tunnels_go_on(tmp_path: Path) -> None:
    """A certificate whose key has not been copied yet counts as a bad one."""
    first, second, third = issue(), issue(), issue()
    first.write(tmp_path)
    with Upstream(echo) as upstream:
        settings = cisco_at(upstream.port, more=SETTINGS + ANYTHING)
        with Gate(tmp_path, settings) as gate, open_tunnel(gate, dial=dial_tls) as before:
            assert presented(gate) == digest(first)

            second.write(tmp_path)
            line = gate.await_line(IN_FORCE)
            assert line.rpartition(" ")[2].strip().replace(":", "").lower() == digest(second) == presented(gate)

            refusals = sum(STAYS in said for said in gate.stderr)  # 1 if it looked between the two writes
            (tmp_path / "gate.pem").write_bytes(third.pem)
            assert "the key does not belong to the certificate" in gate.await_line(STAYS)
            assert presented(gate) == digest(second)

            (tmp_path / "gate.key").write_bytes(third.key_pem())
            gate.await_line(IN_FORCE)
            assert presented(gate) == digest(third)

            assert_carries(before)
        assert sum(STAYS in said for said in gate.stderr) == refusals + 1, "one line for each change"


def is_removed(folder: Path) -> None:
    (folder / "gate.pem").unlink()


def is_cut_short(folder: Path) -> None:
    file = folder / "gate.pem"
    file.write_bytes(file.read_bytes()[:200])


def is_damaged(folder: Path) -> None:
    file = folder / "gate.pem"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], *lines[3:]]))


def is_of_another_key(folder: Path) -> None:
    (folder / "gate.key").write_bytes(issue().key_pem())


def is_locked(folder: Path) -> None:
    (folder / "gate.key").write_bytes(issue().key_pem(b"secret"))


@pytest.mark.parametrize("spoil", [is_removed, is_cut_short, is_damaged, is_of_another_key, is_locked])
def test_the_old_certificate_stays_when_the_new_files_are_unusable(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    first = issue()
    first.write(tmp_path)
    with Gate(tmp_path, gate_settings(more=SETTINGS)) as gate:
        spoil(tmp_path)
        gate.send(signal.SIGHUP)
        assert str(tmp_path) in gate.await_line("reload requested by SIGHUP refused")
        assert presented(gate) == digest(first)


def test_a_changed_revocation_list_is_not_reported_as_a_new_certificate(tmp_path: Path) -> None:
    issue().write(tmp_path)
    clients = issue("clients", authority=True)
    clients.write(tmp_path, stem="ca")
    (tmp_path / "clients.crl").write_bytes(revoke(clients))
    auth = '[auth]\nclient_ca = "ca.pem"\nclient_crl = "clients.crl"\n'
    with Gate(tmp_path, gate_settings(more=SETTINGS + auth)) as gate:
        (tmp_path / "clients.crl").write_bytes(revoke(clients, issue("revoked", clients)))
        gate.send(signal.SIGHUP)
        gate.await_line("other authorities or revocation lists for clients' certificates")
        assert not any(IN_FORCE in line for line in gate.stderr)


def test_files_replaced_through_a_symbolic_link_are_reloaded(tmp_path: Path) -> None:
    """Kubernetes updates a mounted secret this way."""
    first, second = issue(), issue()
    for name, issued in (("first", first), ("second", second)):
        (tmp_path / name).mkdir()
        issued.write(tmp_path / name)
    (tmp_path / "data").symlink_to("first")
    for file in ("gate.pem", "gate.key"):
        (tmp_path / file).symlink_to(f"data/{file}")
    with Gate(tmp_path, gate_settings(more=SETTINGS)) as gate:
        (tmp_path / "new").symlink_to("second")
        (tmp_path / "new").rename(tmp_path / "data")
        gate.send(signal.SIGHUP)
        gate.await_line(IN_FORCE)
        assert presented(gate) == digest(second)


def test_a_new_certificate_changes_the_names_of_the_gate(tmp_path: Path) -> None:
    issue().write(tmp_path)
    renamed = issue(names=(x509.DNSName("renamed.example"),))
    with Gate(tmp_path, gate_settings(more=SETTINGS)) as gate:
        assert not gate_answers_to(gate, "renamed.example")
        renamed.write(tmp_path)
        gate.send(signal.SIGHUP)
        gate.await_line(IN_FORCE)
        assert gate_answers_to(gate, "renamed.example")
        assert not gate_answers_to(gate, "gate.example")


def gate_answers_to(gate: Gate, name: str) -> bool:
    """Whether the gate itself answers a ClientHello with this server name."""
    with dial(gate) as connection:
        try:
            secured(connection, name).close()
        except ssl.SSLError as error:
            if error.reason != "TLSV1_UNRECOGNIZED_NAME":
                raise
            return False
    return True


def test_a_key_of_another_certificate_fails_the_start(tmp_path: Path) -> None:
    issue().write(tmp_path)
    is_of_another_key(tmp_path)
    gate = Gate(tmp_path, gate_settings(more=SETTINGS))
    with pytest.raises(GateEndedError) as ended, gate:
        pass
    assert ended.value.status == 2
    assert str(tmp_path / "gate.key") in gate.stderr[-1]
    assert "the key does not belong to the certificate" in gate.stderr[-1]


@pytest.mark.parametrize(("days", "said"), [(-0.5, "expired on"), (20, "expires on"), (40, "")])
def test_an_expired_or_expiring_certificate_is_served_with_a_warning(tmp_path: Path, days: float, said: str) -> None:
    issue(days=(-1, days)).write(tmp_path)

    with Gate(tmp_path, gate_settings(more=SETTINGS)) as gate:
        pass

    warned = [line for line in gate.stderr if "WARNING" in line and f"{tmp_path}/gate.pem" in line]
    assert [said in line for line in warned] == ([True] if said else [])
