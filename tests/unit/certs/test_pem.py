"""Keys found in PEM files, among other blocks and broken ones."""

from pathlib import Path

import pytest

from licensegate.certs.pem import CertificateError, read_key
from support.certificates import issue

KEY = issue().key_pem().strip()
BEGIN = b"-----BEGIN PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(issue().pem, id="a certificate"),
        pytest.param(b"-----BEGIN EC PRIVATE KEY-----\n", id="a key of another kind without an end"),
        pytest.param(b"-----END PRIVATE KEY-----\n", id="an end"),
    ],
)
def test_the_first_whole_key_is_found(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "gate.pem"
    path.write_bytes(before + KEY + b"\n" + issue().key_pem())

    assert read_key(path) == KEY


def test_a_megabyte_of_begun_keys_has_none(tmp_path: Path) -> None:
    path = tmp_path / "gate.pem"
    path.write_bytes(BEGIN * 37_000)

    with pytest.raises(CertificateError, match="contains no private key"):
        read_key(path)


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gate.pem"
    for content in (issue().key_pem(b"secret"), KEY.replace(BEGIN, BEGIN + b"Proc-Type: 4,ENCRYPTED\n")):
        path.write_bytes(content)
        with pytest.raises(CertificateError, match="the key is encrypted"):
            read_key(path)
