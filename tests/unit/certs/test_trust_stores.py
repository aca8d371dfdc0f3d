from datetime import UTC, datetime
from pathlib import Path

import pytest
from OpenSSL.crypto import X509, X509StoreContext

from licensegate.certs.pem import CertificateError
from licensegate.certs.trust_stores import INTERMEDIATES, has_system_store, public_store, read_certificates
from support.certificates import issue


def test_every_shipped_intermediate_is_signed_by_a_public_root() -> None:
    shipped = read_certificates(INTERMEDIATES)
    store = public_store()
    assert shipped
    for certificate in shipped:
        path = X509StoreContext(store, certificate, chain=shipped).get_verified_chain()
        root = path[-1].to_cryptography()
        assert root.subject == root.issuer


def test_every_shipped_intermediate_has_its_fingerprint_and_end_beside_it() -> None:
    text = INTERMEDIATES.read_text()
    for certificate in read_certificates(INTERMEDIATES):
        parsed = certificate.to_cryptography()
        assert certificate.digest("sha256").decode() in text
        assert f"valid until {parsed.not_valid_after_utc:%-d %B %Y}" in text
        assert parsed.not_valid_after_utc > datetime.now(UTC)


def test_a_host_without_roots_has_no_store_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert not has_system_store()


def test_a_file_without_certificates_names_itself(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(CertificateError, match=r"ca\.pem: contains no certificate"):
        read_certificates(file)


def test_more_public_roots_are_trusted_beside_the_shipped_ones() -> None:
    root = issue("root", authority=True)
    leaf = issue("leaf", root)
    store = public_store([X509.from_cryptography(root.certificate)])
    path = X509StoreContext(store, X509.from_cryptography(leaf.certificate)).get_verified_chain()
    assert len(path) == 2
