"""Reading the served certificate by a handshake in memory, compared with cryptography."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from licensegate.certs.certificate_info import certificate_info
from licensegate.certs.identity import load_identity, load_key_pair, server_context
from licensegate.certs.self_signed import make_key_pair
from licensegate.certs.served_certificate import read_served_certificate

NAMES = ("gate.test", "*.below.test", "192.0.2.7", "2001:db8::7")


def test_it_reads_the_same_names_as_cryptography() -> None:
    pair = make_key_pair(NAMES)
    context = server_context()
    load_key_pair(context, [pair.certificate], pair.key)

    seen = read_served_certificate(context, pair.certificate)

    info = certificate_info(pair.certificate, "here")
    assert seen is not None
    assert seen.not_after == info.not_after
    assert set(seen.names) == set(info.names) == set(NAMES)


def test_it_needs_no_client_certificate(tmp_path: Path) -> None:
    pair = make_key_pair(NAMES)
    authority = tmp_path / "ca.pem"
    authority.write_bytes(pair.certificate)
    context = server_context(authority)
    load_key_pair(context, [pair.certificate], pair.key)

    assert read_served_certificate(context, pair.certificate) is not None


def test_an_expired_certificate_is_left_to_cryptography(tmp_path: Path) -> None:
    pair = make_key_pair(NAMES, days=-1)
    certificate, key = tmp_path / "gate.pem", tmp_path / "gate.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    identity = load_identity(certificate, key)

    assert read_served_certificate(identity.context, pair.certificate) is None
    assert identity.not_after < datetime.now(UTC)
    assert identity.owns("GATE.test.")


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("gate.test", True),
        ("a.below.test", True),
        ("below.test", False),
        ("a.b.below.test", False),
        ("192.0.2.7", True),
    ],
)
def test_the_gate_knows_its_names_without_loading_cryptography(tmp_path: Path, name: str, owned: bool) -> None:
    pair = make_key_pair(NAMES)
    certificate, key = tmp_path / "gate.pem", tmp_path / "gate.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    asked = (
        "import sys; from pathlib import Path; from licensegate.certs.identity import load_identity;"
        "identity = load_identity(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(identity.owns(sys.argv[3]), identity.not_after.isoformat(), 'cryptography' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", asked, certificate, key, name], capture_output=True, text=True)

    owns, not_after, loaded = said.stdout.split()
    assert (owns, loaded) == (str(owned), "False"), said.stderr
    assert datetime.fromisoformat(not_after) > datetime.now(UTC) + timedelta(days=365)
