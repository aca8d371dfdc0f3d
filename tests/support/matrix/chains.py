"""The certificates of the matrix: one known root, and what can be wrong with a leaf."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from support.authority import Leaf
from support.certificates import Issued, issue
from support.client_program import Trust
from support.java import STORE_PASSWORD

DOMAIN = "matrix.example"
"""Every target is a name below it, or stands in for a host of Cisco's, so one certificate serves them all."""

_NAMES = (x509.DNSName(f"*.{DOMAIN}"), x509.DNSName("*.cisco.com"))


class Chains(Struct, frozen=True):
    """The files of `make_chains`: leaves by what is wrong with them, and clients' roots."""

    leaves: dict[str, Leaf]
    trust: Trust
    unrelated: Trust
    intermediate: Path
    client: Leaf


def make_chains(folder: Path) -> Chains:
    """Issue them all. Only `good` and `incomplete`, `expired` and so on lead to the root in `trust`."""
    root = issue("Matrix Root CA", authority=True, names=())
    other = issue("Corporate Inspection CA", authority=True, names=())
    middle = issue("Matrix Issuing CA", root, authority=True, names=())
    made = {
        "good": (_logged("good", middle), middle),
        "incomplete": (_logged("incomplete", middle),),
        "expired": (_logged("expired", middle, days=(-30, -2)), middle),
        "not_yet_valid": (_logged("not yet valid", middle, days=(2, 30)), middle),
        "wrong_name": (_logged("wrong name", middle, names=(x509.DNSName("www.other.example"),)), middle),
        "self_signed": (issue("self-signed", names=_NAMES),),
        "foreign": (issue("foreign", other, names=_NAMES),),
    }
    leaves = {}
    for name, (leaf, *chain) in made.items():
        leaves[name] = Leaf(*leaf.write(folder, *chain, stem=name))
    intermediate = folder / "intermediate.pem"
    intermediate.write_bytes(middle.pem)
    client = issue("a client", root, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    return Chains(
        leaves,
        _trust(folder, root, "root"),
        _trust(folder, issue("Unrelated CA", authority=True, names=()), "unrelated"),
        intermediate,
        Leaf(*client.write(folder, stem="client")),
    )


def _logged(
    subject: str, issuer: Issued, *, names: tuple[x509.GeneralName, ...] = _NAMES, days: tuple[float, float] = (-1, 100)
) -> Issued:
    """A leaf with a timestamp of a public log, as every public authority's has. It is a made-up one."""
    return issue(subject, issuer, names=names, days=days, extra=(_TIMESTAMPS,))


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


_TIMESTAMP = b"\0" + bytes(32) + bytes(8) + _with_length(b"") + b"\4\3" + _with_length(b"made up")
_LIST = _with_length(_with_length(_TIMESTAMP))  # RFC 6962 section 3.3
_TIMESTAMPS = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04" + bytes((len(_LIST),)) + _LIST
)


def _trust(folder: Path, root: Issued, stem: str) -> Trust:
    trust = Trust(folder / f"{stem}.pem", folder / f"{stem}.p12")
    trust.pem.write_bytes(root.pem)
    encryption = serialization.BestAvailableEncryption(STORE_PASSWORD.encode())
    trust.java.write_bytes(serialize_java_truststore([PKCS12Certificate(root.certificate, stem.encode())], encryption))
    return trust
