"""Client certificates in the TLS layer: which are accepted, and the names read from them."""

import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from licensegate.certs.identity import load_identity
from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from support.certificates import Issued, altered, issue
from support.tls_layer_harness import connect
from support.tls_memory import MemoryTlsClient, client_context, complete_handshake

AUTHORITY = issue("client authority", authority=True)


@pytest.fixture
def asking(folder: Path, trusted: Path) -> ssl.SSLContext:
    """The gate, where `[auth] client_ca` is set."""
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    return load_identity(trusted, folder / "gate.key", (), client_ca).context


def presenting(folder: Path, trusted: Path, certificate: Issued, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(trusted, version)
    context.load_cert_chain(*certificate.write(folder, stem="client"))
    return context


@pytest.mark.parametrize(
    ("names", "compared"),
    [
        pytest.param((), ("cucm-pub",), id="a subject"),
        pytest.param(
            (x509.DNSName("cucm.example"), x509.RFC822Name("a@b.example"), x509.IPAddress(ip_address("192.0.2.1"))),
            ("cucm-pub", "cucm.example", "a@b.example", "192.0.2.1"),
            id="alternative names",
        ),
        pytest.param(
            (x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])), x509.DNSName("y")),
            ("cucm-pub", "y"),
            id="a directory name, which is not compared",
        ),
    ],
)
def test_the_names_in_a_certificate_can_be_compared_one_by_one(
    folder: Path,
    trusted: Path,
    asking: ssl.SSLContext,
    names: tuple[x509.GeneralName, ...],
    compared: tuple[str, ...],
    version: ssl.TLSVersion,
) -> None:
    certificate = issue("cucm-pub", AUTHORITY, names=names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(asking, presenting(folder, trusted, certificate, version))

    assert layer.names == compared


@pytest.mark.parametrize(
    ("subject", "names", "identity"),
    [
        pytest.param("cucm-pub", (), "CN=cucm-pub", id="a subject"),
        pytest.param(
            "cucm-pub",
            (x509.DNSName("cucm.example"), x509.RFC822Name("a@b.example")),
            "CN=cucm-pub; DNS:cucm.example,email:a@b.example",
            id="alternative names",
        ),
        pytest.param("M\xfcnchen\r\n\x1b[31m", (), "CN=M\\xc3\\xbcnchen\\r\\n\\x1b[31m", id="control characters"),
    ],
)
def test_a_client_is_who_its_certificate_says(
    folder: Path,
    trusted: Path,
    asking: ssl.SSLContext,
    subject: str,
    names: tuple[x509.GeneralName, ...],
    identity: str,
    version: ssl.TLSVersion,
) -> None:
    certificate = issue(subject, AUTHORITY, names=names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(asking, presenting(folder, trusted, certificate, version))

    assert layer.identity == identity


def test_a_name_that_is_not_text_does_not_end_the_connection(
    folder: Path, trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    certificate = issue(issuer=AUTHORITY, names=(x509.DNSName("odd-name"),), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    context = presenting(folder, trusted, altered(certificate, AUTHORITY, b"odd-name", b"\xff\xfed-name"), version)

    _, layer = connect(asking, context)

    assert layer.identity == "a certificate that cannot be read"
    assert layer.names == ()


def test_a_client_without_a_certificate_is_served_without_a_user(
    trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    _, layer = connect(asking, client_context(trusted, version))

    assert layer.identity == ""
    assert layer.names == ()


def test_without_an_authority_no_client_certificate_is_requested(
    folder: Path, trusted: Path, served: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    certificate = issue("cucm-pub", AUTHORITY, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(served, presenting(folder, trusted, certificate, version))

    assert layer.identity == ""


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        pytest.param(issue("stranger"), "the client's certificate: self-signed certificate", id="self-signed"),
        pytest.param(
            issue("old", AUTHORITY, days=(-9, -1), usage=ExtendedKeyUsageOID.CLIENT_AUTH),
            "the client's certificate: certificate has expired",
            id="expired",
        ),
        pytest.param(
            issue("server", AUTHORITY),
            "the client's certificate: unsuitable certificate purpose",
            id="a server's",
        ),
    ],
)
def test_a_certificate_that_the_authority_does_not_stand_for_is_refused(
    folder: Path, trusted: Path, asking: ssl.SSLContext, certificate: Issued, detail: str, version: ssl.TLSVersion
) -> None:
    context = presenting(folder, trusted, certificate, version)

    with pytest.raises(TlsFailure) as raised:
        connect(asking, context)

    assert raised.value.detail == detail
    assert not raised.value.rejected_our_certificate


def test_the_chain_is_as_the_client_sent_it(
    folder: Path, trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    between = issue("in between", AUTHORITY, authority=True)
    own = issue("cucm-pub", between, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    context = client_context(trusted, version)
    context.load_cert_chain(*own.write(folder, between, stem="client"))

    _, layer = connect(asking, context)

    assert layer.peer_chain == (der(own), der(between))


def test_a_resumed_session_has_the_clients_own_certificate(folder: Path, trusted: Path, asking: ssl.SSLContext) -> None:
    own = issue("cucm-pub", AUTHORITY, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    context = presenting(folder, trusted, own, ssl.TLSVersion.TLSv1_2)
    first, _ = connect(asking, context)
    session = first.tls.session
    again, layer = MemoryTlsClient(context, session=session), TlsLayer(asking)
    complete_handshake(again, layer)

    assert again.tls.session_reused
    assert layer.peer_chain == (der(own),)


def test_a_client_without_a_certificate_has_no_chain(
    trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    _, layer = connect(asking, client_context(trusted, version))

    assert (TlsLayer(asking).peer_chain, layer.peer_chain) == ((), ())


def der(issued: Issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.pem.decode())
