from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.certs.pem import CertificateError
from licensegate.certs.review import Problem, review_chain, review_key_pair
from support.certificates import NOW, Issued, issue

ROOT = issue("root", authority=True)
MIDDLE = issue("middle", ROOT, authority=True)
LEAF = issue("gate", MIDDLE)
SELF_SIGNED = issue()
STRAY = issue("stray", authority=True)
OLD_MIDDLE = issue("middle", ROOT, authority=True, key=MIDDLE.key, days=(-10, -1))

Lines = list[str]


def lines(problems: Iterable[Problem]) -> Lines:
    return [f"{'fault' if problem.fault else 'warning'}: {problem.text}" for problem in problems]


def day(days: float) -> str:
    return f"{NOW + timedelta(days=days):%Y-%m-%d}"


SECOND = "gate.pem: certificate 2, CN={}, does not sign the one before it"

CHAINS: dict[str, tuple[list[Issued], Lines]] = {
    "self-signed": ([SELF_SIGNED], []),
    "the whole chain": ([LEAF, MIDDLE, ROOT], []),
    "without the root": ([LEAF, MIDDLE], []),
    "alone": ([LEAF], []),
    "out of order": (
        [LEAF, ROOT, MIDDLE],
        [f"warning: {SECOND.format('root')}, but certificate 3 does: put them in order, or some clients reject them"],
    ),
    "a gap": ([LEAF, ROOT], [f"warning: {SECOND.format('root')}, and no other one here does: CN=middle is missing"]),
    "a stray one": (
        [LEAF, STRAY, ROOT],
        [f"warning: {SECOND.format('stray')}, and no other one here does: CN=middle is missing"],
    ),
    "one behind the root": (
        [SELF_SIGNED, STRAY],
        [f"warning: {SECOND.format('stray')}, which is self-signed: nothing belongs after it"],
    ),
    "an expired one": (
        [LEAF, OLD_MIDDLE],
        [f"fault: gate.pem: certificate 2, CN=middle, expired on {day(-1)}; replace it"],
    ),
}


@pytest.mark.parametrize(("chain", "expected"), CHAINS.values(), ids=CHAINS)
def test_each_certificate_must_be_signed_by_the_next(chain: list[Issued], expected: Lines) -> None:
    assert lines(review_chain([issued.pem for issued in chain], "gate.pem", NOW)) == expected


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        pytest.param(issue(days=(-10, 31)), [], id="ends in a month"),
        pytest.param(
            issue(days=(-10, 29)),
            [f"warning: gate.pem: the certificate expires on {day(29)}; replace it before"],
            id="ends soon",
        ),
        pytest.param(
            issue(days=(-10, -1)), [f"fault: gate.pem: the certificate expired on {day(-1)}; replace it"], id="ended"
        ),
        pytest.param(
            issue(names=()),
            ["fault: gate.pem: the certificate has no subject alternative name, so it is valid for no name"],
            id="no name",
        ),
        pytest.param(
            issue(usage=ExtendedKeyUsageOID.CLIENT_AUTH),
            ["fault: gate.pem: the certificate is not for servers (extended key usage)"],
            id="a client's",
        ),
    ],
)
def test_a_rejection_is_a_fault_and_a_coming_one_a_warning(issued: Issued, expected: Lines) -> None:
    assert lines(review_chain([issued.pem], "gate.pem", NOW)) == expected


def test_a_certificate_from_the_future_suggests_the_clock() -> None:
    (problem,) = review_chain([issue(days=(1, 100)).pem], "gate.pem", NOW)

    assert problem.fault
    assert problem.text.startswith(f"gate.pem: the certificate is not valid before {day(1)}")
    assert problem.text.endswith("UTC; is the clock right?")


def test_a_good_pair_has_no_problems(tmp_path: Path) -> None:
    assert review_key_pair(*LEAF.write(tmp_path, MIDDLE), NOW) == []


def test_a_key_of_another_certificate_is_a_fault(tmp_path: Path) -> None:
    certificate, key = LEAF.write(tmp_path)
    key.write_bytes(STRAY.key_pem())

    (line,) = lines(review_key_pair(certificate, key, NOW))

    assert line == f"fault: {key}: the key does not belong to the certificate in {certificate}"


def test_the_key_of_a_later_certificate_names_it(tmp_path: Path) -> None:
    certificate, key = MIDDLE.write(tmp_path, LEAF)
    key.write_bytes(LEAF.key_pem())

    first = lines(review_key_pair(certificate, key, NOW))[0]

    assert first.endswith(", but to number 2 in it; the gate's own must come first")


def test_a_world_readable_key_is_a_warning(tmp_path: Path) -> None:
    certificate, key = LEAF.write(tmp_path)
    key.chmod(0o644)

    assert lines(review_key_pair(certificate, key, NOW)) == [
        f"warning: {key}: every user of this machine can use the key; run chmod o= on it"
    ]


@pytest.mark.parametrize("file", ["gate.pem", "gate.key"])
def test_a_missing_file_is_an_error(tmp_path: Path, file: str) -> None:
    files = LEAF.write(tmp_path)
    (tmp_path / file).unlink()

    with pytest.raises(CertificateError, match=f"{file}: No such file"):
        review_key_pair(*files, NOW)
