from pathlib import Path

import pytest

from licensegate.certs.trust import Trust, check_trust
from support.certificates import Issued, issue

ROOT = issue("root", authority=True)
MIDDLE = issue("middle", ROOT, authority=True)
LEAF = issue("gate", MIDDLE)
OLD = issue("gate", MIDDLE, days=(-10, -1))

UNKNOWN = "this machine does not know {}: clients must trust that authority"
MISSING = "this machine does not know {}: add it to the file, or clients must trust that authority"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of this machine's authorities, with only the root in it."""
    file = tmp_path / "known.pem"
    file.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    return file


def judged(*chain: Issued) -> Trust:
    return check_trust([issued.pem for issued in chain], "gate.pem")


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([LEAF, MIDDLE], id="without the root"),
        pytest.param([LEAF, MIDDLE, ROOT], id="with the root"),
        pytest.param([LEAF, ROOT, MIDDLE], id="out of order"),
    ],
)
def test_a_chain_to_a_known_authority_is_trusted(known: Path, chain: list[Issued]) -> None:
    assert judged(*chain) == Trust(True, "this machine trusts it, by CN=root")


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        pytest.param([LEAF], MISSING.format("CN=middle"), id="the one between is missing"),
        pytest.param(
            [issue()],
            "it is self-signed: every client must be told to trust this certificate",
            id="self-signed",
        ),
        pytest.param([OLD, MIDDLE], "this machine does not trust it: certificate has expired", id="expired"),
    ],
)
def test_an_untrusted_chain_is_reported_with_its_reason(known: Path, chain: list[Issued], text: str) -> None:
    assert judged(*chain) == Trust(False, text)


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        pytest.param([LEAF, MIDDLE, ROOT], UNKNOWN.format("CN=root"), id="with the root"),
        pytest.param([LEAF, MIDDLE], MISSING.format("CN=root"), id="without the root"),
    ],
)
def test_a_private_authority_is_named(known: Path, chain: list[Issued], text: str) -> None:
    known.write_bytes(issue("another root", authority=True).pem)

    assert judged(*chain) == Trust(False, text)


def test_without_known_authorities_nothing_is_trusted(known: Path) -> None:
    known.unlink()

    assert judged(LEAF, MIDDLE, ROOT) == Trust(False, UNKNOWN.format("CN=root"))
