"""Revoked client certificates are rejected, and so are those that no current list covers."""

import ssl
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.certs.identity import load_identity
from licensegate.certs.load_or_create import load_or_create_identity
from licensegate.certs.pem import CertificateError
from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from support.certificates import Issued, issue, revoke
from support.tls_memory import VERSIONS, MemoryTlsClient, client_context, complete_handshake

AUTHORITY = issue("client authority", authority=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def trusted(folder: Path) -> Path:
    """The gate's certificate, which is its own issuer, for a client to trust."""
    return issue().write(folder)[0]


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return ssl.TLSVersion(request.param)


def connect(served: ssl.SSLContext, context: ssl.SSLContext) -> tuple[MemoryTlsClient, TlsLayer]:
    client, layer = MemoryTlsClient(context), TlsLayer(served)
    complete_handshake(client, layer)
    return client, layer


def presenting(folder: Path, trusted: Path, certificate: Issued, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(trusted, version)
    context.load_cert_chain(*certificate.write(folder, stem="client"))
    return context


REVOKED, OTHERS = (issue(name, AUTHORITY, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH) for name in ("gone", "here"))
STRANGER = issue("another authority", authority=True)
LISTS = {
    "a list that names it": (revoke(AUTHORITY, OTHERS, REVOKED), "certificate revoked"),
    "a list behind another authority's": (revoke(STRANGER) + revoke(AUTHORITY, REVOKED), "certificate revoked"),
    "a list that has run out": (revoke(AUTHORITY, days=(-9, -1)), "CRL has expired"),
    "a list of another authority": (revoke(STRANGER), "unable to get certificate CRL"),
}


@pytest.mark.parametrize(("lists", "reason"), LISTS.values(), ids=LISTS.keys())
def test_a_certificate_that_was_revoked_or_might_have_been_is_refused(
    folder: Path, trusted: Path, lists: bytes, reason: str, version: ssl.TLSVersion
) -> None:
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    client_crl = folder / "client.crl"
    client_crl.write_bytes(lists)
    asking = load_identity(trusted, folder / "gate.key", (), client_ca, client_crl).context

    with pytest.raises(TlsFailure) as raised:
        connect(asking, presenting(folder, trusted, REVOKED, version))

    assert raised.value.detail == f"the client's certificate: {reason}"


def test_unlisted_certificates_and_clients_without_one_are_served(
    folder: Path, trusted: Path, version: ssl.TLSVersion
) -> None:
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    client_crl = folder / "client.crl"
    client_crl.write_bytes(revoke(AUTHORITY, REVOKED))
    asking = load_identity(trusted, folder / "gate.key", (), client_ca, client_crl).context

    _, known = connect(asking, presenting(folder, trusted, OTHERS, version))
    _, unknown = connect(asking, client_context(trusted, version))

    assert (known.names, unknown.names) == (("here",), ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "contains no revocation list in PEM form"),
        (AUTHORITY.pem, "contains no revocation list in PEM form"),
        (b"0\x82\x01\x02", "convert it with `openssl crl -inform DER`"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "OpenSSL rejects it"),
    ],
    ids=["nothing", "a certificate", "DER", "damaged"],
)
def test_an_invalid_revocation_list_is_refused_by_name(folder: Path, trusted: Path, content: bytes, words: str) -> None:
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    client_crl = folder / "client.crl"
    client_crl.write_bytes(content)

    with pytest.raises(CertificateError, match=words) as raised:
        load_identity(trusted, folder / "gate.key", (), client_ca, client_crl)

    assert str(raised.value).startswith(str(client_crl))


def test_a_changed_list_is_reloaded_and_applies_to_old_sessions(
    folder: Path, trusted: Path, version: ssl.TLSVersion
) -> None:
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    client_crl = folder / "client.crl"
    client_crl.write_bytes(revoke(AUTHORITY))
    watch = load_or_create_identity(trusted, folder / "gate.key", (), client_ca, None, client_crl)
    context = presenting(folder, trusted, REVOKED, version)
    client, layer = connect(watch.value.context, context)
    assert layer.names == ("gone",)

    client_crl.write_bytes(revoke(AUTHORITY, REVOKED, OTHERS))
    assert watch.look()
    again = MemoryTlsClient(context)
    again.tls.session = client.tls.session

    with pytest.raises(TlsFailure, match="certificate revoked"):
        complete_handshake(again, TlsLayer(watch.value.context))
