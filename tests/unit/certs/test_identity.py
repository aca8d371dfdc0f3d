import os
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from licensegate.certs.identity import ServerIdentity, load_identity, server_context
from licensegate.certs.pem import CertificateError
from support.certificates import altered, issue
from support.programs import run
from support.requirements import require_command

GATE = issue(
    names=(x509.DNSName("Gate.example"), x509.DNSName("*.gates.example"), x509.IPAddress(ip_address("10.1.2.3")))
)


def loaded(folder: Path, *names: str) -> ServerIdentity:
    return load_identity(*GATE.write(folder), names)


def test_the_fingerprint_is_the_one_openssl_shows(tmp_path: Path) -> None:
    identity = loaded(tmp_path)

    command = (require_command("openssl", "openssl"), "x509", "-in", tmp_path / "gate.pem", "-noout")
    done = run(*command, "-fingerprint", "-sha256")

    assert done.stdout.strip().partition("=")[2] == identity.fingerprint


@pytest.mark.parametrize(
    ("server_name", "owned"),
    [
        pytest.param("gate.example", True, id="in the certificate"),
        pytest.param("GATE.example.", True, id="in capitals, with a final dot"),
        pytest.param("one.gates.example", True, id="below the wildcard"),
        pytest.param("gates.example", False, id="the wildcard's domain itself"),
        pytest.param("two.one.gates.example", False, id="two labels below the wildcard"),
        pytest.param(".gates.example", False, id="an empty label"),
        pytest.param("*.gates.example", True, id="the wildcard as it is written"),
        pytest.param("10.1.2.3", True, id="an address"),
        pytest.param("proxy.example", True, id="given beside it"),
        pytest.param("one.proxies.example", True, id="below a wildcard given beside it"),
        pytest.param("tools.cisco.com", False, id="another"),
        pytest.param("", False, id="none"),
    ],
)
def test_the_gate_owns_its_certificates_names_and_configured_ones(
    tmp_path: Path, server_name: str, owned: bool
) -> None:
    identity = loaded(tmp_path, "proxy.example", "*.proxies.example")

    assert identity.owns(server_name) is owned


def test_each_name_is_listed_once(tmp_path: Path) -> None:
    identity = loaded(tmp_path, "proxy.example", "gate.example")

    assert identity.names == ("gate.example", "*.gates.example", "10.1.2.3", "proxy.example")
    assert identity.not_after == GATE.certificate.not_valid_after_utc


def test_an_unparsable_certificate_is_served_under_configured_names(tmp_path: Path) -> None:
    authority = issue("authority", authority=True)
    odd = altered(issue(issuer=authority, names=(x509.DNSName("odd-name"),)), authority, b"odd-name", b"\xff\xfed-name")

    identity = load_identity(*odd.write(tmp_path), ["proxy.example"])

    assert identity.names == ("proxy.example",)
    assert identity.owns("proxy.example")
    assert not identity.owns("odd-name")
    with pytest.raises(CertificateError, match=r"gate\.pem: the certificate cannot be read: "):
        _ = identity.not_after


def test_certificate_and_key_may_be_one_file(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(GATE.key_pem() + b"some words\n" + GATE.pem)

    assert load_identity(both, both).fingerprint == loaded(tmp_path).fingerprint


def test_the_chain_is_served_with_the_certificate(tmp_path: Path) -> None:
    root = issue("root", authority=True)
    middle = issue("middle", root, authority=True)

    identity = load_identity(*issue(issuer=middle).write(tmp_path, middle, root))

    assert len(identity.chain) == 3


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS 8", "traditional"])
@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
def test_a_key_in_any_pem_form_is_loaded(tmp_path: Path, form: PrivateFormat, kind: str) -> None:
    issued = GATE if kind == "ECDSA" else issue(key=rsa.generate_private_key(65537, 2048))
    certificate, key = issued.write(tmp_path)
    key.write_bytes(issued.key_pem(form=form))

    assert load_identity(certificate, key)


# What operators get wrong.


def no_file(certificate: Path, key: Path) -> None:
    certificate.unlink()


def no_key_file(certificate: Path, key: Path) -> None:
    key.unlink()


def a_folder(certificate: Path, key: Path) -> None:
    certificate.unlink()
    certificate.mkdir()


def empty(certificate: Path, key: Path) -> None:
    certificate.write_bytes(b"")


def der(certificate: Path, key: Path) -> None:
    certificate.write_bytes(GATE.certificate.public_bytes(Encoding.DER))


def swapped(certificate: Path, key: Path) -> None:
    certificate.write_bytes(GATE.key_pem())
    key.write_bytes(GATE.pem)


def no_key(certificate: Path, key: Path) -> None:
    key.write_bytes(GATE.pem)


def another_key(certificate: Path, key: Path) -> None:
    key.write_bytes(issue().key_pem())


def a_key_of_another_kind(certificate: Path, key: Path) -> None:
    key.write_bytes(issue(key=rsa.generate_private_key(65537, 2048)).key_pem())


def encrypted(certificate: Path, key: Path) -> None:
    key.write_bytes(GATE.key_pem(b"secret"))


def encrypted_in_the_old_form(certificate: Path, key: Path) -> None:
    key.write_bytes(GATE.key_pem(b"secret", PrivateFormat.TraditionalOpenSSL))


def damaged(certificate: Path, key: Path) -> None:
    certificate.write_bytes(GATE.pem.replace(b"MII", b"NII"))


def cut_short(certificate: Path, key: Path) -> None:
    certificate.write_bytes(GATE.pem[:300])


def damaged_key(certificate: Path, key: Path) -> None:
    key.write_bytes(GATE.key_pem().replace(b"MI", b"NI"))


def endless(certificate: Path, key: Path) -> None:
    certificate.write_bytes(bytes(2_000_000))


def too_weak(certificate: Path, key: Path) -> None:
    weak = issue(key=rsa.generate_private_key(65537, 1024))
    certificate.write_bytes(weak.pem)
    key.write_bytes(weak.key_pem())


WRONG: dict[Callable[[Path, Path], None], str] = {
    no_file: "gate.pem: No such file or directory",
    no_key_file: "gate.key: No such file or directory",
    a_folder: "gate.pem: it is a directory, not a regular file",
    empty: "gate.pem: contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
    der: "gate.pem: is not in PEM form; convert it with `openssl x509 -inform DER`, or `openssl pkcs12`",
    swapped: "gate.pem: contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
    no_key: "gate.key: contains no private key in PEM form (-----BEGIN PRIVATE KEY-----)",
    another_key: "gate.key: the key does not belong to the certificate in /gate.pem",
    a_key_of_another_kind: "gate.key: the key does not belong to the certificate in /gate.pem",
    encrypted: "gate.key: the key is encrypted, and the gate cannot ask for the password; "
    "decrypt it with `openssl pkey`, and let only the gate read the result",
    encrypted_in_the_old_form: "gate.key: the key is encrypted, and the gate cannot ask for the password; "
    "decrypt it with `openssl pkey`, and let only the gate read the result",
    damaged: "gate.pem with /gate.key: OpenSSL rejects them: ",
    cut_short: "gate.pem: contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
    damaged_key: "gate.pem with /gate.key: OpenSSL rejects them: ",
    endless: "gate.pem: it is larger than such a file may be (1048576 bytes)",
    too_weak: "gate.pem with /gate.key: OpenSSL rejects them: ee key too small",
}


@pytest.mark.parametrize(("spoil", "words"), WRONG.items(), ids=[spoil.__name__ for spoil in WRONG])
def test_an_unusable_pair_is_one_line_naming_the_file(
    tmp_path: Path, spoil: Callable[[Path, Path], None], words: str
) -> None:
    certificate, key = GATE.write(tmp_path)
    spoil(certificate, key)

    with pytest.raises(CertificateError) as raised:
        load_identity(certificate, key)

    line = str(raised.value).replace(f"{tmp_path}", "").removeprefix("/")
    assert line.startswith(words)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "contains no certificate in PEM form", id="empty"),
        pytest.param(GATE.pem.replace(b"MII", b"NII"), "OpenSSL rejects it", id="damaged"),
    ],
)
def test_an_unusable_client_ca_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(content)

    with pytest.raises(CertificateError, match=f"clients.pem: {words}"):
        load_identity(*GATE.write(tmp_path), (), client_ca)


def test_a_client_ca_may_contain_several_and_text_between(tmp_path: Path) -> None:
    client_ca = tmp_path / "clients.pem"
    authorities = [issue(name, authority=True).pem for name in ("one", "two")]
    client_ca.write_bytes("Münchens Zertifikate\n".encode() + b"\nand\n".join(authorities))

    context = server_context(client_ca)

    assert context.cert_store_stats()["x509_ca"] == 2
    assert context.verify_mode is ssl.CERT_OPTIONAL


def test_loading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    certificate, key = GATE.write(tmp_path)
    load_identity(certificate, key)
    before = set(os.listdir("/proc/self/fd"))

    load_identity(certificate, key)

    assert set(os.listdir("/proc/self/fd")) <= before
