from datetime import UTC, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from licensegate.certs.pem import CertificateError
from licensegate.certs.reading import facts_of
from support.certificates import Key, altered, issue

ROOT = issue("root", authority=True)
LEAF = issue("gate", ROOT, names=(x509.DNSName("gate.example"), x509.IPAddress(ip_address("2001:db8::1"))))


def test_a_certificate_says_who_for_whom_and_how_long() -> None:
    facts = facts_of(LEAF.pem, "gate.pem")

    assert (facts.subject, facts.issuer) == ("CN=gate", "CN=root")
    assert facts.names == ("gate.example", "2001:db8::1")
    assert facts.not_after - facts.not_before == timedelta(days=101)
    assert facts.not_after.tzinfo is UTC
    assert not facts.is_authority


def test_an_authority_is_told_from_others() -> None:
    facts = facts_of(ROOT.pem, "root.pem")

    assert facts.is_authority
    assert facts.names == ()


def test_a_certificate_without_constraints_is_no_authority() -> None:
    assert not facts_of(issue(authority=None).pem, "gate.pem").is_authority


@pytest.mark.parametrize(
    ("usage", "serves"),
    [
        pytest.param(None, True, id="any, since it says nothing"),
        pytest.param(ExtendedKeyUsageOID.SERVER_AUTH, True, id="servers"),
        pytest.param(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True, id="any"),
        pytest.param(ExtendedKeyUsageOID.CLIENT_AUTH, False, id="clients"),
    ],
)
def test_what_a_certificate_may_be_used_for(usage: ObjectIdentifier | None, serves: bool) -> None:
    assert facts_of(issue(usage=usage).pem, "gate.pem").serves is serves


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
def test_a_key_is_called_by_its_usual_name(key: Key, words: str) -> None:
    assert facts_of(issue(key=key).pem, "gate.pem").key == words


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(LEAF.pem.replace(b"MII", b"NII"), id="damaged"),
        pytest.param(altered(LEAF, ROOT, b"gate.example", b"gate\xff\xfeexmple").pem, id="a name that is no text"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_file(pem: bytes) -> None:
    with pytest.raises(CertificateError, match=r"^gate\.pem: the certificate cannot be read: [^\n]+$"):
        facts_of(pem, "gate.pem")
