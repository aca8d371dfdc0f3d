import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.certs import load_or_create
from licensegate.certs.load_or_create import load_or_create_identity
from licensegate.certs.pem import CertificateError
from support.certificates import issue

NAMES = ("gate.example", "10.1.2.3")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_or_create, "host_names", lambda: ("this.machine.example",))


def test_the_configured_certificate_is_served(tmp_path: Path) -> None:
    certificate, key = issue().write(tmp_path)

    identity = load_or_create_identity(certificate, key, NAMES, None, tmp_path / "state").value

    assert identity.source == str(certificate)
    assert identity.names == ("gate.example", "10.1.2.3")


def test_without_a_key_file_the_certificate_file_has_the_key(tmp_path: Path) -> None:
    issued = issue()
    both = tmp_path / "both.pem"
    both.write_bytes(issued.pem + issued.key_pem())

    assert load_or_create_identity(both, None, (), None, None).value.names == ("gate.example",)


def test_certificate_and_client_ca_are_watched(tmp_path: Path) -> None:
    certificate, key = issue().write(tmp_path)
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(issue("clients", authority=True).pem)
    watch = load_or_create_identity(certificate, key, (), client_ca, None)

    client_ca.write_bytes(issue("other clients", authority=True).pem)

    assert watch.look()


@pytest.mark.parametrize(
    ("names", "made_for"),
    [
        pytest.param(NAMES, NAMES, id="the names given"),
        pytest.param((), ("this.machine.example",), id="this machine's names"),
    ],
)
def test_one_is_created_in_the_state_directory(
    tmp_path: Path, names: tuple[str, ...], made_for: tuple[str, ...]
) -> None:
    first = load_or_create_identity(None, None, names, None, tmp_path).value
    second = load_or_create_identity(None, None, names, None, tmp_path).value

    assert first.fingerprint == second.fingerprint
    assert first.source == str(tmp_path / "gate.pem")
    assert second.names == made_for


def test_a_pair_put_into_the_state_directory_is_used(tmp_path: Path) -> None:
    watch = load_or_create_identity(None, None, NAMES, None, tmp_path)

    issue(names=()).write(tmp_path)

    assert watch.look()
    assert watch.value.names == NAMES


def test_a_key_without_its_certificate_is_an_error(tmp_path: Path) -> None:
    load_or_create_identity(None, None, NAMES, None, tmp_path)
    (tmp_path / "gate.pem").unlink()

    with pytest.raises(CertificateError, match=r"gate\.pem: No such file"):
        load_or_create_identity(None, None, NAMES, None, tmp_path)


@pytest.mark.parametrize("names", [NAMES, ()])
def test_without_a_state_directory_one_is_created_for_this_run(names: tuple[str, ...]) -> None:
    first, second = (load_or_create_identity(None, None, names, None, None) for _ in range(2))

    assert first.value.fingerprint != second.value.fingerprint
    assert first.value.names == (names or ("this.machine.example",))
    assert first.value.source == "made for this run only"
    assert not first.look()


def test_a_new_client_ca_keeps_the_certificate_of_this_run(tmp_path: Path) -> None:
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(issue("clients", authority=True).pem)
    watch = load_or_create_identity(None, None, NAMES, client_ca, None)
    before = watch.value

    client_ca.write_bytes(issue("other clients", authority=True).pem)

    assert watch.look()
    assert watch.value.context is not before.context
    assert watch.value.fingerprint == before.fingerprint


LAZY = """
import sys
from pathlib import Path
from licensegate.certs.load_or_create import load_or_create_identity
load_or_create_identity(None, None, (), None, {directory})
print("cryptography" in sys.modules)
"""


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "for this run only"])
def test_serving_loads_no_cryptography(tmp_path: Path, kept: bool) -> None:
    program = LAZY.format(directory=f"Path({str(tmp_path)!r})" if kept else None)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_an_impossible_name_is_one_line() -> None:
    with pytest.raises(CertificateError, match="no certificate could be made: ") as raised:
        load_or_create_identity(None, None, ["g\xfcte.example"], None, None)

    assert "\n" not in str(raised.value)
