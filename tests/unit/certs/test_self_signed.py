import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.certs.identity import CertificateError, load_identity
from licensegate.certs.reading import facts_of
from licensegate.certs.self_signed import DAYS, keep_pair, make_pair, write_pair

NAMES = ("gate.example", "*.gates.example", "10.1.2.3", "2001:db8::1")


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return x509.load_pem_x509_certificate(make_pair(NAMES).certificate)


def test_it_is_for_the_names_and_addresses(certificate: x509.Certificate) -> None:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["gate.example", "*.gates.example"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["10.1.2.3", "2001:db8::1"]


def test_it_may_be_a_server_and_nothing_else(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_its_key_is_on_the_curve_that_everybody_knows(certificate: x509.Certificate) -> None:
    key = certificate.public_key()

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


@pytest.mark.parametrize("days", [1, 825, DAYS, 36525])
def test_it_is_valid_for_so_many_days_and_for_slow_clocks(days: int) -> None:
    facts = facts_of(make_pair(["gate.example"], days).certificate, "made")

    now = datetime.now(UTC)
    assert facts.not_before < now - timedelta(hours=23)
    assert timedelta(days=days, hours=-1) < facts.not_after - now <= timedelta(days=days)


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        pytest.param(["gate.example", "10.1.2.3"], "CN=gate.example", id="the first"),
        pytest.param([f"{'g' * 60}.example", "short.example"], "CN=short.example", id="the first that is short enough"),
        pytest.param([f"{'g' * 60}.example"], "CN=LicenseGate", id="none is short enough"),
    ],
)
def test_its_subject_is_a_name_that_fits(names: list[str], subject: str) -> None:
    assert facts_of(make_pair(names).certificate, "made").subject == subject


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "gate.pem", folder / "gate.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_kept_is_served_and_nobody_else_reads_the_key(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)

    keep_pair(certificate, key, NAMES)

    assert load_identity(certificate, key).owns("one.gates.example")
    assert (mode(certificate), mode(key)) == (0o644, 0o600)
    assert sorted(tmp_path.iterdir()) == [key, certificate]


def test_what_is_kept_stays(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    keep_pair(certificate, key, NAMES)
    before = certificate.read_bytes(), key.read_bytes()

    keep_pair(certificate, key, ["other.example"])

    assert (certificate.read_bytes(), key.read_bytes()) == before


def test_a_certificate_whose_key_was_never_written_is_made_anew(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.write_bytes(make_pair(NAMES).certificate)

    keep_pair(certificate, key, NAMES)

    assert load_identity(certificate, key)


KEEPING = """
from pathlib import Path
from licensegate.certs.self_signed import keep_pair
keep_pair(Path({certificate!r}), Path({key!r}), ["gate.example"])
print(Path({key!r}).read_text() + Path({certificate!r}).read_text())
"""


def test_gates_that_start_at_the_same_time_keep_the_same(tmp_path: Path) -> None:
    certificate, key = map(str, files(tmp_path))
    program = [sys.executable, "-c", KEEPING.format(certificate=certificate, key=key)]
    gates = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(3)]

    kept = {gate.communicate()[0] for gate in gates}

    assert len(kept) == 1
    assert all(gate.returncode == 0 for gate in gates)


@pytest.mark.parametrize("there", ["gate.pem", "gate.key"])
def test_what_an_operator_has_is_not_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")

    with pytest.raises(CertificateError, match=f"{there}: is there already, and is not overwritten"):
        write_pair(make_pair(NAMES), *files(tmp_path))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "precious")]


def test_a_link_to_nowhere_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gate.key").symlink_to("elsewhere")

    with pytest.raises(CertificateError, match="is there already"):
        write_pair(make_pair(NAMES), *files(tmp_path))


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_where_nothing_can_be_kept_is_said_in_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CertificateError, match=f"{folder}: no certificate can be kept there: N"):
        keep_pair(*files(tmp_path / folder), NAMES)


def test_what_could_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    certificate.mkdir()

    with pytest.raises(CertificateError, match="no certificate can be kept there: Is a directory"):
        keep_pair(certificate, key, NAMES)

    assert list(tmp_path.iterdir()) == [certificate]
