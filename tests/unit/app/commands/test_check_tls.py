"""What `licensegate check` reports about the certificate that the gate would present."""

from pathlib import Path

import pytest

from licensegate.app.commands.check_warnings import warnings
from licensegate.app.settings import load
from support.certificates import Issued, issue

ROOT = issue("root", authority=True)


def warned(folder: Path, *shown: Issued) -> list[str]:
    """The warnings for this certificate chain, leaf first."""
    shown[0].write(folder)
    folder.joinpath("gate.pem").write_bytes(b"".join(issued.pem for issued in shown))
    settings = folder / "gate.toml"
    settings.write_text('[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n')
    return list(warnings(load(settings, {}), {}, "gate"))


def test_a_good_certificate_is_not_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path, issue(issuer=ROOT), ROOT) == []


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        pytest.param((issue(days=(-9, -1)),), "expired on", id="expired"),
        pytest.param((issue(days=(-9, 9)),), "expires on", id="soon expired"),
        pytest.param((issue(names=()),), "valid for no name", id="without a name"),
        pytest.param((issue(issuer=ROOT), issue("other")), "does not sign the one before it", id="another chain"),
    ],
)
def test_one_that_clients_may_refuse_is_warned_of(tmp_path: Path, shown: tuple[Issued, ...], words: str) -> None:
    (told,) = warned(tmp_path, *shown)

    assert told.startswith(f"{tmp_path}/gate.pem: ")
    assert words in told
