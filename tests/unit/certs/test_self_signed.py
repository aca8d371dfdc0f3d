import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.certs.certificate_info import certificate_info
from licensegate.certs.self_signed import DAYS, make_key_pair

NAMES = ("gate.example", "*.gates.example", "10.1.2.3", "2001:db8::1")


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return x509.load_pem_x509_certificate(make_key_pair(NAMES).certificate)


def test_it_contains_the_names_and_addresses(certificate: x509.Certificate) -> None:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["gate.example", "*.gates.example"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["10.1.2.3", "2001:db8::1"]


def test_it_is_for_servers_only(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_its_key_is_on_p_256(certificate: x509.Certificate) -> None:
    key = certificate.public_key()

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


@pytest.mark.parametrize("days", [1, 825, DAYS, 36525])
def test_it_is_valid_for_the_days_given_and_for_slow_clocks(days: int) -> None:
    info = certificate_info(make_key_pair(["gate.example"], days).certificate, "made")

    now = datetime.now(UTC)
    assert info.not_before < now - timedelta(hours=23)
    assert timedelta(days=days, hours=-1) < info.not_after - now <= timedelta(days=days)


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        pytest.param(["gate.example", "10.1.2.3"], "CN=gate.example", id="the first"),
        pytest.param([f"{'g' * 60}.example", "short.example"], "CN=short.example", id="the first that is short enough"),
        pytest.param([f"{'g' * 60}.example"], "CN=LicenseGate", id="none is short enough"),
    ],
)
def test_its_subject_is_the_first_name_that_fits(names: list[str], subject: str) -> None:
    assert certificate_info(make_key_pair(names).certificate, "made").subject == subject


def test_as_a_program_it_prints_a_pair_for_its_arguments() -> None:
    program = (sys.executable, "-m", "licensegate.certs.self_signed", *NAMES)

    printed = subprocess.run(program, capture_output=True, check=True).stdout

    certificate, marker, _ = printed.partition(b"-----BEGIN PRIVATE KEY-----")
    assert set(certificate_info(certificate, "printed").names) == set(NAMES)
    assert marker
