"""A private certificate authority for tests.

It imitates no certificate of Cisco's: every subject says that it is a test, and no key outlives the test's folder.
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from support.certificates import SIGNS

CISCO_HOSTS = ("tools.cisco.com", "api.cisco.com", "cloudsso.cisco.com", "smartreceiver.cisco.com")
DAY = datetime.timedelta(days=1)

_BOTH_SIDES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class Leaf(Struct, frozen=True):
    """A certificate chain and private key, each a PEM file."""

    chain: Path
    key: Path


class Authority:
    """A root that signs leaves. `root` is its certificate as a PEM file, for a client to trust."""

    def __init__(self, folder: Path, name: str = "LicenseGate test CA") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name)
        public = self._key.public_key()
        self._root = (
            _builder(self._name, self._name, public, 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(SIGNS, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.root = folder / f"{name.replace(' ', '-')}.pem"
        self.root.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def issue(self, *hosts: str) -> Leaf:
        """A new leaf for servers and clients called `hosts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(_subject(f"stand-in for {hosts[0]}"), self._name, key.public_key(), 10 * DAY)
            .add_extension(names, critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(x509.ExtendedKeyUsage(_BOTH_SIDES), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{hosts[0]}-{certificate.serial_number:x}"
        leaf = Leaf(chain=self.folder / f"{stem}.pem", key=self.folder / f"{stem}.key")
        chain = (certificate, self._root)
        leaf.chain.write_bytes(b"".join(part.public_bytes(serialization.Encoding.PEM) for part in chain))
        leaf.key.touch(mode=0o600)
        leaf.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return leaf

    def java_truststore(self, password: str) -> Path:
        """The root as a PKCS12 file that Java takes as its `javax.net.ssl.trustStore`."""
        store = self.folder / "truststore.p12"
        entry = PKCS12Certificate(self._root, b"licensegate test root")
        encryption = serialization.BestAvailableEncryption(password.encode())
        store.write_bytes(serialize_java_truststore([entry], encryption))
        return store


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, lasts: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
