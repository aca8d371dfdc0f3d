"""The gate's own certificates, good and bad, with any names, dates, issuer and key; `authority` makes the targets'."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

NOW = datetime.datetime.now(datetime.UTC)
"""The moment that all dates here are counted from: a test that computes the same date agrees, also around midnight."""

DAY = datetime.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
"""What an authority uses its key for."""


class Issued(Struct, frozen=True):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(
        self,
        password: bytes = b"",
        form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    ) -> bytes:
        """The key in PEM, encrypted if there is a password."""
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption)

    def write(self, folder: Path, *chain: "Issued", stem: str = "gate") -> tuple[Path, Path]:
        """Write the certificate, its chain and the key to files. Returns the paths of certificate and key."""
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(b"".join(issued.pem for issued in (self, *chain)))
        key.touch(mode=0o600)
        key.write_bytes(self.key_pem())
        return certificate, key


def issue(
    subject: str = "gate",
    issuer: Issued | None = None,
    *,
    names: tuple[x509.GeneralName, ...] = (x509.DNSName("gate.example"),),
    days: tuple[float, float] = (-1, 100),
    authority: bool | None = False,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    key: Key | None = None,
    extra: tuple[x509.ExtensionType, ...] = (),
) -> Issued:
    """Issue a certificate, self-signed without an issuer, valid from and until so many days from NOW.

    If `authority` is None, the certificate does not say whether it is one.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + days[0] * DAY)
        .not_valid_after(NOW + days[1] * DAY)
    )
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if authority:  # Python 3.13 asks for this and for the next two
        builder = builder.add_extension(SIGNS, critical=True)
    for extension in (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), *extra):
        builder = builder.add_extension(extension, critical=False)
    signer = issuer.key if issuer else key
    if issuer:
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(by, critical=False)
    return Issued(builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()), key)


def altered(issued: Issued, issuer: Issued, old: bytes, new: bytes) -> Issued:
    """The same certificate with other bytes of the same length in it, which cryptography would not write."""
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    certificate = issued.certificate
    content = certificate.tbs_certificate_bytes.replace(old, new)
    signature = b""
    while len(signature) != len(certificate.signature):  # it is 70 to 72 bytes long
        signature = issuer.key.sign(content, ec.ECDSA(hashes.SHA256()))
    der = certificate.public_bytes(serialization.Encoding.DER)
    der = der.replace(certificate.tbs_certificate_bytes, content).replace(certificate.signature, signature)
    return Issued(x509.load_der_x509_certificate(der), issued.key)


def revoke(authority: Issued, *revoked: Issued, days: tuple[float, float] = (-1, 10)) -> bytes:
    """A revocation list of this authority's in PEM, issued and to be renewed so many days from NOW."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(NOW + days[0] * DAY)
        .next_update(NOW + days[1] * DAY)
    )
    for issued in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(issued.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW + days[0] * DAY).build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
