"""The chain that a target showed, judged by roots and a clock of the test's own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from OpenSSL.crypto import X509, X509Store, X509StoreFlags

from licensegate.certs.chain import ChainJudge, ChainJudgement
from licensegate.records.target_verdict import TargetVerdict as Verdict
from support.certificates import NOW, Issued, issue

HOST = "gate.example"
ROOT = issue("root", authority=True)
MIDDLE = issue("middle", ROOT, authority=True)
LEAF = issue("leaf", MIDDLE)
CORPORATE = issue("corporate root", authority=True)
COPY = issue("leaf", CORPORATE)
POLICIES = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("2.23.140.1.2.2"), None)])
LOGGED = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04\x02\x00\x00")


def store(roots: Sequence[Issued], *, own: bool = False) -> X509Store:
    made = X509Store()
    for root in roots:
        made.add_cert(X509.from_cryptography(root.certificate))
    if own:
        made.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    return made


def ders(*chain: Issued) -> list[bytes]:
    return [issued.certificate.public_bytes(Encoding.DER) for issued in chain]


def judged(
    *chain: Issued,
    host: str = HOST,
    now: datetime = NOW,
    skew: timedelta | None = None,
    system: Sequence[Issued] | None = None,
    own: Sequence[Issued] = (),
    intermediates: Sequence[Issued] = (),
    is_own: bool = False,
) -> ChainJudgement:
    judge = ChainJudge(
        partial(store, [ROOT]),
        None if system is None else partial(store, system),
        partial(store, own, own=True) if own else None,
        [X509.from_cryptography(one.certificate) for one in intermediates],
        is_own=is_own,
    )
    return judge.judge(ders(*chain), host, now, skew)


def test_a_chain_to_a_public_root_that_names_the_host_is_public() -> None:
    found = judged(LEAF, MIDDLE)
    assert (found.verdict, found.detail) == (Verdict.PUBLIC, "signed by a public authority: CN=root")
    assert [one.subject for one in found.chain] == ["CN=leaf", "CN=middle", "CN=root"]
    assert found.chain[0].names == (HOST,)
    assert not found.looks_intercepted


@pytest.mark.parametrize(
    ("names", "host", "verdict"),
    [
        pytest.param(("*.example",), "gate.example", Verdict.PUBLIC, id="wildcard"),
        pytest.param(("*.example",), "a.gate.example", Verdict.WRONG_NAME, id="wildcard of one label only"),
        pytest.param(("*.example",), "example", Verdict.WRONG_NAME, id="wildcard of no label"),
        pytest.param(("GATE.example",), "gate.example", Verdict.PUBLIC, id="capitals"),
        pytest.param(("other.example",), "gate.example", Verdict.WRONG_NAME, id="other name"),
        pytest.param((), "gate.example", Verdict.WRONG_NAME, id="no name but the common one"),
        pytest.param(("192.0.2.7",), "192.0.2.7", Verdict.PUBLIC, id="IPv4 address"),
        pytest.param(("2001:db8::7",), "2001:db8::7", Verdict.PUBLIC, id="IPv6 address"),
        pytest.param(("192.0.2.8",), "192.0.2.7", Verdict.WRONG_NAME, id="other address"),
    ],
)
def test_the_host_is_looked_up_in_the_alternative_names(names: tuple[str, ...], host: str, verdict: Verdict) -> None:
    general = tuple(x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names)
    assert judged(issue("gate.example", MIDDLE, names=general), MIDDLE, host=host).verdict is verdict


def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    found = judged(LEAF, MIDDLE, host="tools.cisco.com")
    assert found.detail == "its certificate is for gate.example, not for tools.cisco.com"


@pytest.mark.parametrize(
    ("chain", "now", "verdict"),
    [
        pytest.param([LEAF, MIDDLE], NOW + timedelta(days=99), Verdict.PUBLIC, id="the last day"),
        pytest.param([LEAF, MIDDLE], NOW + timedelta(days=101), Verdict.EXPIRED, id="a day late"),
        pytest.param([LEAF, MIDDLE], NOW - timedelta(days=2), Verdict.NOT_YET_VALID, id="a day early"),
        pytest.param(
            [issue("leaf", old := issue("old", ROOT, authority=True, days=(-9, -1))), old],
            NOW,
            Verdict.EXPIRED,
            id="expired authority",
        ),
    ],
)
def test_a_chain_out_of_its_dates_is_told_from_a_foreign_one(
    chain: list[Issued], now: datetime, verdict: Verdict
) -> None:
    assert judged(*chain, now=now).verdict is verdict


@pytest.mark.parametrize(
    ("now", "skew", "verdict"),
    [
        pytest.param(NOW + timedelta(days=200), timedelta(days=-200), Verdict.GATE_CLOCK, id="gate in the future"),
        pytest.param(NOW - timedelta(days=200), timedelta(days=200), Verdict.GATE_CLOCK, id="gate in the past"),
        pytest.param(NOW + timedelta(days=200), timedelta(seconds=2), Verdict.EXPIRED, id="both clocks agree"),
        pytest.param(NOW + timedelta(days=200), timedelta(days=1), Verdict.EXPIRED, id="expired for both clocks"),
        pytest.param(NOW + timedelta(days=200), None, Verdict.EXPIRED, id="no Date"),
        pytest.param(NOW, timedelta(hours=2), Verdict.GATE_CLOCK, id="a good chain and two hours"),
        pytest.param(NOW, timedelta(minutes=50), Verdict.PUBLIC, id="a good chain and less than an hour"),
    ],
)
def test_the_gates_clock_is_blamed_where_the_targets_date_says_so(
    now: datetime, skew: timedelta | None, verdict: Verdict
) -> None:
    assert judged(LEAF, MIDDLE, now=now, skew=skew).verdict is verdict


def test_a_wrong_clock_is_told_by_how_much_and_which_way() -> None:
    found = judged(LEAF, MIDDLE, skew=timedelta(hours=-2, minutes=-3))
    assert found.detail == "the gate's clock is 2 h 03 min ahead of the target's Date"


def test_a_certificate_signed_by_itself_is_self_signed() -> None:
    found = judged(issue())
    assert (found.verdict, found.looks_intercepted) == (Verdict.SELF_SIGNED, True)


@pytest.mark.parametrize("chain", [[COPY], [COPY, CORPORATE]], ids=["without its root", "with its root"])
def test_a_chain_to_another_root_has_a_foreign_issuer(chain: list[Issued]) -> None:
    found = judged(*chain, system=())
    assert (found.verdict, found.system_trusts, found.looks_intercepted) == (Verdict.FOREIGN_ISSUER, False, True)
    assert found.detail == "no public authority signed it: its issuer is CN=corporate root"


def test_a_corporate_root_on_this_host_is_no_public_root() -> None:
    found = judged(COPY, system=[ROOT, CORPORATE])
    assert (found.verdict, found.system_trusts) == (Verdict.FOREIGN_ISSUER, True)
    assert found.detail.endswith("this host's own store trusts it, so a corporate root is installed here")


def test_what_public_authorities_put_in_speaks_against_interception() -> None:
    found = judged(issue("leaf", CORPORATE, extra=(POLICIES,)), CORPORATE)
    assert (found.verdict, found.looks_intercepted) == (Verdict.FOREIGN_ISSUER, False)


def test_a_known_intermediate_tells_an_incomplete_chain() -> None:
    found = judged(LEAF, intermediates=[MIDDLE])
    assert (found.verdict, found.detail) == (Verdict.INCOMPLETE_CHAIN, "the server does not send CN=middle")
    assert not found.looks_intercepted


def test_a_logged_certificate_alone_is_an_incomplete_chain() -> None:
    found = judged(issue("leaf", issue("unknown", CORPORATE, authority=True), extra=(LOGGED,)))
    assert (found.verdict, found.looks_intercepted) == (Verdict.INCOMPLETE_CHAIN, False)


def test_a_logged_certificate_of_a_root_that_was_dropped_is_foreign() -> None:
    found = judged(issue("leaf", CORPORATE, extra=(LOGGED,)), CORPORATE)
    assert (found.verdict, found.looks_intercepted) == (Verdict.FOREIGN_ISSUER, False)


def test_an_incomplete_chain_out_of_its_dates_is_expired() -> None:
    old = issue("leaf", MIDDLE, days=(-9, -1))
    assert judged(old, intermediates=[MIDDLE]).verdict is Verdict.EXPIRED


def test_a_certificate_for_clients_only_is_not_trusted() -> None:
    found = judged(issue("leaf", MIDDLE, usage=ExtendedKeyUsageOID.CLIENT_AUTH), MIDDLE)
    assert found.verdict is Verdict.UNTRUSTED


@pytest.mark.parametrize("chain", [[], [b"\x30\x03\x02\x01\x01"], [b"no certificate"]])
def test_what_is_no_certificate_is_not_trusted(chain: list[bytes]) -> None:
    assert ChainJudge(partial(store, [ROOT])).judge(chain, HOST, NOW).verdict is Verdict.UNTRUSTED


@pytest.mark.parametrize(
    ("chain", "now", "verdict"),
    [
        pytest.param([COPY, CORPORATE], NOW, Verdict.NOT_JUDGED, id="a root of its own"),
        pytest.param([issue()], NOW, Verdict.NOT_JUDGED, id="self-signed"),
        pytest.param([issue(names=())], NOW, Verdict.WRONG_NAME, id="no name"),
        pytest.param([issue()], NOW + timedelta(days=101), Verdict.EXPIRED, id="expired"),
        pytest.param([issue()], NOW - timedelta(days=2), Verdict.NOT_YET_VALID, id="not yet valid"),
        pytest.param([LEAF, MIDDLE], NOW, Verdict.PUBLIC, id="a public root"),
    ],
)
def test_an_own_target_without_a_ca_is_never_called_intercepted(
    chain: list[Issued], now: datetime, verdict: Verdict
) -> None:
    found = judged(*chain, now=now, is_own=True)
    assert (found.verdict, found.looks_intercepted) == (verdict, False)


@pytest.mark.parametrize(
    ("chain", "own", "verdict"),
    [
        pytest.param([COPY], [CORPORATE], Verdict.PRIVATE, id="its root"),
        pytest.param([issue("leaf", MIDDLE)], [MIDDLE], Verdict.PRIVATE, id="an authority that is no root"),
        pytest.param([one := issue()], [one], Verdict.PRIVATE, id="the certificate itself"),
        pytest.param([LEAF, MIDDLE], [CORPORATE], Verdict.PUBLIC, id="a public root instead"),
        pytest.param([issue()], [CORPORATE], Verdict.UNTRUSTED, id="another one"),
        pytest.param([issue("leaf", CORPORATE, days=(-9, -1))], [CORPORATE], Verdict.EXPIRED, id="expired"),
        pytest.param([issue("leaf", CORPORATE, names=())], [CORPORATE], Verdict.WRONG_NAME, id="no name"),
    ],
)
def test_an_own_target_is_judged_by_the_ca_of_its_rule(
    chain: list[Issued], own: list[Issued], verdict: Verdict
) -> None:
    found = judged(*chain, own=own)
    assert (found.verdict, found.looks_intercepted) == (verdict, False)


def test_a_wrong_clock_of_an_own_target_does_not_blame_the_gate() -> None:
    assert judged(COPY, own=[CORPORATE], skew=timedelta(hours=5)).verdict is Verdict.PRIVATE
