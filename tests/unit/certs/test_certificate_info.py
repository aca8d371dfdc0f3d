from datetime import UTC, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from licensegate.certs.certificate_info import certificate_info
from licensegate.certs.pem import CertificateError
from support.certificates import Key, altered, issue

ROOT = issue("root", authority=True)
LEAF = issue("gate", ROOT, names=(x509.DNSName("gate.example"), x509.IPAddress(ip_address("2001:db8::1"))))


def test_subject_issuer_names_and_validity_are_read() -> None:
    info = certificate_info(LEAF.pem, "gate.pem")

    assert (info.subject, info.issuer) == ("CN=gate", "CN=root")
    assert info.names == ("gate.example", "2001:db8::1")
    assert info.not_after - info.not_before == timedelta(days=101)
    assert info.not_after.tzinfo is UTC
    assert not info.is_authority


def test_an_authority_is_recognised() -> None:
    info = certificate_info(ROOT.pem, "root.pem")

    assert info.is_authority
    assert info.names == ()


def test_a_certificate_without_constraints_is_not_an_authority() -> None:
    assert not certificate_info(issue(authority=None).pem, "gate.pem").is_authority


@pytest.mark.parametrize(
    ("usage", "serves"),
    [
        pytest.param(None, True, id="without a name any will do"),
        pytest.param(ExtendedKeyUsageOID.SERVER_AUTH, True, id="servers"),
        pytest.param(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True, id="any"),
        pytest.param(ExtendedKeyUsageOID.CLIENT_AUTH, False, id="clients"),
    ],
)
def test_serves_follows_the_extended_key_usage(usage: ObjectIdentifier | None, serves: bool) -> None:
    assert certificate_info(issue(usage=usage).pem, "gate.pem").serves is serves


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()), "ECDSA on P-256", id="P-256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), "ECDSA on P-384", id="P-384"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()), "ECDSA on secp256k1", id="another curve"),
        pytest.param(rsa.generate_private_key(65537, 2048), "RSA, 2048 bits", id="RSA"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), "Ed25519", id="Ed25519"),
    ],
)
def test_a_key_has_its_usual_name(key: Key, words: str) -> None:
    assert certificate_info(issue(key=key).pem, "gate.pem").key == words


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(LEAF.pem.replace(b"MII", b"NII"), id="damaged"),
        pytest.param(altered(LEAF, ROOT, b"gate.example", b"gate\xff\xfeexmple").pem, id="a name that is not text"),
    ],
)
def test_an_unreadable_certificate_is_one_line_naming_the_file(pem: bytes) -> None:
    with pytest.raises(CertificateError, match=r"^gate\.pem: the certificate cannot be read: [^\n]+$"):
        certificate_info(pem, "gate.pem")
