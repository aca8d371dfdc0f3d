from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from msgspec import structs

from licensegate.app.commands import cert
from licensegate.app.commands.cert import check, make, served_certificate, show
from licensegate.app.settings import Settings, load
from licensegate.app.settings.settings import Tls
from licensegate.certs.identity import load_identity
from licensegate.certs.pem import CertificateError
from support.certificates import NOW, issue

ROOT = issue("root", authority=True)
LEAF = issue(
    "gate", ROOT, days=(-1, 99.5), names=(x509.DNSName("gate.example"), x509.IPAddress(ip_address("10.1.2.3")))
)


@pytest.fixture
def settings() -> Settings:
    return load(None, {})


def test_everything_about_a_certificate_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    ROOT.write(tmp_path, stem="root")
    path, _ = LEAF.write(tmp_path, ROOT)

    text = show(path, NOW)

    facts = LEAF.certificate
    assert (
        text
        == f"""\
certificate   {path}
subject       CN=gate
issuer        CN=root
names         gate.example
              10.1.2.3
valid         {facts.not_valid_before_utc:%Y-%m-%d} to {facts.not_valid_after_utc:%Y-%m-%d}, 99 days left
SHA-256       {load_identity(path, path.with_suffix(".key")).fingerprint}
key           ECDSA on P-256
chain         CN=root, until {ROOT.certificate.not_valid_after_utc:%Y-%m-%d}
trust         this machine trusts it, by CN=root"""
    )


def test_a_certificates_faults_are_listed_after_it(tmp_path: Path) -> None:
    path, _ = issue(days=(-20, 9.5)).write(tmp_path)

    now = datetime.now(UTC)
    soon, over = show(path, now), show(path, now + timedelta(days=10))

    assert ", 9 days left\n" in soon
    assert soon.splitlines()[-1].startswith(f"warning: {path}: the certificate expires on ")
    assert ", expired\n" in over
    assert over.splitlines()[-1].startswith(f"fault: {path}: the certificate expired on ")


def test_the_certificate_that_is_set_is_the_one_that_is_served(settings: Settings, tmp_path: Path) -> None:
    tls = Tls(tmp_path / "ours.pem", tmp_path / "ours.key")

    assert served_certificate(structs.replace(settings, tls=tls)) == tmp_path / "ours.pem"


def test_without_a_given_certificate_the_one_that_is_kept_is_served(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "gate.pem").touch()

    assert served_certificate(structs.replace(settings, state_directory=tmp_path)) == tmp_path / "gate.pem"


def test_one_that_was_not_made_yet_cannot_be_shown(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"gate\.pem: the gate makes it at its first start"):
        served_certificate(structs.replace(settings, state_directory=tmp_path))


def test_a_gate_without_a_kept_certificate_has_none_to_show(settings: Settings) -> None:
    with pytest.raises(CertificateError, match=r"set tls\.certificate and tls\.key, or state\.directory$"):
        served_certificate(settings)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        pytest.param(
            ["Gate.Example.", "10.1.2.3", "[2001:DB8::1]"], ("gate.example", "10.1.2.3", "2001:db8::1"), id="several"
        ),
        pytest.param(["bücher.example"], ("xn--bcher-kva.example",), id="international"),
        pytest.param(["*.gates.example"], ("*.gates.example",), id="wildcard"),
        pytest.param(["gate.example", "GATE.example"], ("gate.example",), id="the same twice"),
        pytest.param([], ("this.machine.example",), id="none"),
    ],
)
def test_a_pair_is_made_for_the_names_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: list[str], names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(cert, "host_names", lambda: ("this.machine.example",))

    text = make(tmp_path, typed, None)

    identity = load_identity(tmp_path / "gate.pem", tmp_path / "gate.key")
    assert identity.names == names
    assert text.splitlines()[:2] == [
        f"made          {tmp_path}/gate.pem",
        f"              {tmp_path}/gate.key, which only you may read",
    ]
    assert f"SHA-256       {identity.fingerprint}" in text
    assert f"valid         until {identity.not_after:%Y-%m-%d}\n" in text


@pytest.mark.parametrize(("typed", "days"), [(None, 3650), (825, 825)], ids=["by default", "as typed"])
def test_a_pair_is_valid_for_the_given_days(tmp_path: Path, typed: int | None, days: int) -> None:
    make(tmp_path, ["gate.example"], typed)

    left = load_identity(tmp_path / "gate.pem", tmp_path / "gate.key").not_after - datetime.now(UTC)
    assert days - 1 <= left.days <= days


@pytest.mark.parametrize("name", ["gate example", "https://gate.example/", "*.com", ""])
def test_no_pair_is_made_for_an_invalid_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="no certificate can be made for that name: "):
        make(tmp_path, [name], None)

    assert list(tmp_path.iterdir()) == []


def test_a_made_certificate_passes_the_gates_review(tmp_path: Path) -> None:
    make(tmp_path, ["gate.example"], None)

    verdict = check(tmp_path / "gate.pem", tmp_path / "gate.key", datetime.now(UTC))

    assert verdict.usable
    assert verdict.text.endswith("to trust this certificate\nthe gate can serve it")


def test_a_key_that_does_not_belong_is_not_to_be_served(tmp_path: Path) -> None:
    certificate, key = LEAF.write(tmp_path)
    key.write_bytes(ROOT.key_pem())

    verdict = check(certificate, key, NOW)

    assert not verdict.usable
    fault, conclusion = verdict.text.splitlines()[-2:]
    assert fault == f"fault: {key}: the key does not belong to the certificate in {certificate}"
    assert conclusion == "do not serve it"


@pytest.mark.parametrize("length", [64, 65])
def test_a_name_that_fmc_does_not_take_is_a_warning(tmp_path: Path, length: int) -> None:
    name = f"{'g' * (length - 8)}.example"
    files = issue(names=(x509.DNSName(name),)).write(tmp_path)

    verdict = check(*files, NOW)

    warned = f"warning: {name} is longer than the 64 characters that FMC accepts for a proxy" in verdict.text
    assert verdict.usable
    assert warned is (length > 64)
