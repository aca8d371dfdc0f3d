"""Creates a self-signed certificate, for a gate that has none.

It is not an authority: trusting it means trusting this key for these names, and nothing it could sign. As a program,
`python -m licensegate.certs.self_signed NAME…` prints certificate and key; the gate runs it so, to keep cryptography
out of its own memory.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from licensegate.allowlist.target import is_address

from .key_pair import KeyPair

DAYS: Final = 3650
"""Ten years: appliances that trust it are not updated yearly. Only Apple's clients reject more than 825 days."""

_EARLIER: Final = timedelta(days=1)  # for clients with a slow clock
_COMMON_NAME_CHARACTERS: Final = 64  # ub-common-name, RFC 5280 appendix A


def make_key_pair(names: Sequence[str], days: int = DAYS) -> KeyPair:
    """Create a P-256 key and its certificate for these names (normalised hosts, wildcards and addresses).

    It has the extensions that curl, Java, Chromium and OpenSSL's strict mode require of a server certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    # The common name is for people; clients check the alternative names only (RFC 9525).
    common = next((name for name in names if len(name) <= _COMMON_NAME_CHARACTERS), "LicenseGate")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    return KeyPair(
        certificate.public_bytes(encoding), key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    )


def _general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)


if __name__ == "__main__":
    made = make_key_pair(sys.argv[1:])
    sys.stdout.buffer.write(made.certificate + made.key)
