"""The outline of certificates, compared with what `cryptography` reads, and of bytes that are none."""

import datetime
import ipaddress
import warnings
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.certificate_outline import certificate_outline
from support.certificates import issue

SHOWN = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
}
with warnings.catch_warnings(action="ignore"):  # one root has a serial number of 0
    ROOTS = x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def in_words(name: x509.Name) -> str:
    """The name as an outline shows it, by another reader."""
    shown = []
    for attribute in reversed(list(name)):
        value = attribute.value if isinstance(attribute.value, str) else ""
        text = value if value.isascii() else value.encode().decode("latin-1").encode("unicode_escape").decode()
        if attribute.oid in SHOWN:
            shown.append(f"{SHOWN[attribute.oid]}={text[:64]}")
    return ", ".join(shown)[:200]


def in_words_of_subject(root: x509.Certificate) -> str:
    return in_words(root.subject)


@pytest.mark.parametrize("root", ROOTS, ids=in_words_of_subject)
def test_every_public_root_has_the_outline_that_cryptography_reads(root: x509.Certificate) -> None:
    outline = certificate_outline(der(root))
    assert outline is not None
    assert (outline.subject, outline.issuer) == (in_words(root.subject), in_words(root.issuer))
    assert (outline.not_before, outline.not_after) == (root.not_valid_before_utc, root.not_valid_after_utc)
    assert outline.names == ()


def test_there_are_roots_to_compare() -> None:
    assert len(ROOTS) > 100


def signed(subject: x509.Name, *names: x509.GeneralName, until: datetime.datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(1999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not list(subject))
    return builder.sign(key, hashes.SHA256())


SOON = datetime.datetime(2049, 12, 31, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        pytest.param([], "", id="none"),
        pytest.param(
            [(NameOID.COUNTRY_NAME, "US"), (NameOID.COMMON_NAME, "a.example")], "CN=a.example, C=US", id="two"
        ),
        pytest.param([(NameOID.ORGANIZATION_NAME, "M\xfcller")], "O=M\\xc3\\xbcller", id="outside ASCII"),
        pytest.param([(NameOID.EMAIL_ADDRESS, "x@y"), (NameOID.COMMON_NAME, "n")], "CN=n", id="one that is not shown"),
        pytest.param([(NameOID.COMMON_NAME, "a\nb")], "CN=a\\nb", id="a line end"),
        pytest.param([(NameOID.COMMON_NAME, "x" * 64)], "CN=" + "x" * 64, id="a long one"),
    ],
)
def test_names_are_printable_with_the_most_specific_part_first(
    attributes: list[tuple[x509.ObjectIdentifier, str]], shown: str
) -> None:
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    outline = certificate_outline(der(signed(subject, x509.DNSName("a.example"), until=SOON)))
    assert outline is not None
    assert (outline.subject, outline.issuer, outline.names) == (shown, "CN=issuer", ("a.example",))


def test_text_of_two_bytes_each_is_read() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wide", _type=_ASN1Type.BMPString)])
    outline = certificate_outline(der(signed(name, until=SOON)))
    assert outline is not None
    assert outline.subject == "CN=wide"


def test_only_names_of_hosts_are_listed_and_not_too_many() -> None:
    hosts = [x509.DNSName(f"h{number}.example") for number in range(40)]
    outline = certificate_outline(der(issue(names=(x509.RFC822Name("a@b"), *hosts)).certificate))
    assert outline is not None
    assert outline.names == tuple(f"h{number}.example" for number in range(16))


def test_addresses_are_listed_among_the_names() -> None:
    names = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("10.1.1.1", "2001:db8::1")]
    outline = certificate_outline(der(issue(names=(x509.DNSName("onprem.example"), *names)).certificate))
    assert outline is not None
    assert outline.names == ("onprem.example", "10.1.1.1", "2001:db8::1")


@pytest.mark.parametrize("year", [2049, 2050, 9999], ids=str)
def test_both_forms_of_time_are_read(year: int) -> None:
    until = datetime.datetime(year, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    outline = certificate_outline(der(signed(x509.Name([]), until=until)))
    assert outline is not None
    assert (outline.not_before.year, outline.not_after) == (1999, until)


LEAF = der(issue().certificate)


@given(st.binary(max_size=200))
def test_other_bytes_have_no_outline(data: bytes) -> None:
    assert certificate_outline(data) is None


@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255))
def test_a_changed_byte_harms_nobody(position: int, byte: int) -> None:
    outline = certificate_outline(LEAF[:position] + bytes((byte,)) + LEAF[position + 1 :])
    if outline is not None:
        for text in (outline.subject, outline.issuer, *outline.names):
            assert text.isascii()
            assert text.isprintable()
            assert len(text) <= 200


@pytest.mark.parametrize("percent", range(100))
def test_a_certificate_cut_short_has_no_outline(percent: int) -> None:
    assert certificate_outline(LEAF[: len(LEAF) * percent // 100]) is None


def test_a_list_without_end_costs_little() -> None:
    deep = b"\x30\x84\x00\x00\xff\xff" * 1000
    assert certificate_outline(deep) is None
