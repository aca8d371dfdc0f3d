import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.certs import obtain
from licensegate.certs.obtain import obtain_identity
from licensegate.certs.pem import CertificateError
from support.certificates import issue

NAMES = ("gate.example", "10.1.2.3")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obtain, "host_names", lambda: ("this.machine.example",))


def test_a_certificate_that_was_given_is_served(tmp_path: Path) -> None:
    certificate, key = issue().write(tmp_path)

    identity = obtain_identity(certificate, key, NAMES, None, tmp_path / "state").value

    assert identity.source == str(certificate)
    assert identity.names == ("gate.example", "10.1.2.3")


def test_a_certificate_without_a_key_file_holds_its_key(tmp_path: Path) -> None:
    issued = issue()
    both = tmp_path / "both.pem"
    both.write_bytes(issued.pem + issued.key_pem())

    assert obtain_identity(both, None, (), None, None).value.names == ("gate.example",)


def test_a_certificate_that_was_given_is_watched_with_the_client_ca(tmp_path: Path) -> None:
    certificate, key = issue().write(tmp_path)
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(issue("clients", authority=True).pem)
    watch = obtain_identity(certificate, key, (), client_ca, None)

    client_ca.write_bytes(issue("other clients", authority=True).pem)

    assert watch.look()


@pytest.mark.parametrize(
    ("names", "made_for"),
    [
        pytest.param(NAMES, NAMES, id="the names given"),
        pytest.param((), ("this.machine.example",), id="this machine's names"),
    ],
)
def test_one_is_made_and_kept_where_state_is_kept(
    tmp_path: Path, names: tuple[str, ...], made_for: tuple[str, ...]
) -> None:
    first = obtain_identity(None, None, names, None, tmp_path).value
    second = obtain_identity(None, None, names, None, tmp_path).value

    assert first.fingerprint == second.fingerprint
    assert first.source == str(tmp_path / "gate.pem")
    assert second.names == made_for


def test_what_an_operator_puts_into_the_state_directory_is_taken(tmp_path: Path) -> None:
    watch = obtain_identity(None, None, NAMES, None, tmp_path)

    issue(names=()).write(tmp_path)

    assert watch.look()
    assert watch.value.names == NAMES


def test_a_kept_key_without_its_certificate_is_an_error(tmp_path: Path) -> None:
    obtain_identity(None, None, NAMES, None, tmp_path)
    (tmp_path / "gate.pem").unlink()

    with pytest.raises(CertificateError, match=r"gate\.pem: No such file"):
        obtain_identity(None, None, NAMES, None, tmp_path)


@pytest.mark.parametrize("names", [NAMES, ()])
def test_one_is_made_for_this_run_where_nothing_is_kept(names: tuple[str, ...]) -> None:
    first, second = (obtain_identity(None, None, names, None, None) for _ in range(2))

    assert first.value.fingerprint != second.value.fingerprint
    assert first.value.names == (names or ("this.machine.example",))
    assert first.value.source == "made for this run only"
    assert not first.look()


def test_what_was_made_for_this_run_stays_when_the_client_ca_changes(tmp_path: Path) -> None:
    client_ca = tmp_path / "clients.pem"
    client_ca.write_bytes(issue("clients", authority=True).pem)
    watch = obtain_identity(None, None, NAMES, client_ca, None)
    before = watch.value

    client_ca.write_bytes(issue("other clients", authority=True).pem)

    assert watch.look()
    assert watch.value.context is not before.context
    assert watch.value.fingerprint == before.fingerprint


LAZY = """
import sys
from pathlib import Path
from licensegate.certs.obtain import obtain_identity
obtain_identity(None, None, (), None, {directory})
print("cryptography" in sys.modules)
"""


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "for this run only"])
def test_whatever_is_served_is_served_without_cryptography(tmp_path: Path, kept: bool) -> None:
    program = LAZY.format(directory=f"Path({str(tmp_path)!r})" if kept else None)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_name_that_no_certificate_can_have_is_told_in_one_line() -> None:
    with pytest.raises(CertificateError, match="no certificate could be made: ") as raised:
        obtain_identity(None, None, ["g\xfcte.example"], None, None)

    assert "\n" not in str(raised.value)
