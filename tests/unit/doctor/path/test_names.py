"""What is said about the names of a target, by what was found out."""

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.doctor.path.dns_message import DnsAnswer
from licensegate.doctor.path.dns_servers import SILENT, UNREACHABLE, ServerAnswer
from licensegate.doctor.path.names import NameFacts, judge_names
from licensegate.doctor.step import StepResult, StepVerdict
from licensegate.proxy.dial.resolution import Resolved, Unresolved
from licensegate.records.outcome import Outcome

NAME = "tools.cisco.com"
GOOD = "72.163.4.38"
MISSING = Unresolved(Outcome.DNS_NOT_FOUND)


def said(server: str, kind: str, code: str, *addresses: str, name: str = NAME) -> ServerAnswer:
    return ServerAnswer(server, name, kind, DnsAnswer(code, addresses))


def judged(facts: NameFacts, *, private: bool = False) -> StepResult:
    return judge_names(Target(NAME, 443), Rule(NAME, private=private), facts)


def test_a_public_address_is_well_and_its_server_named() -> None:
    answers = (said("10.0.0.1", "A", "NOERROR", GOOD), said("10.0.0.1", "AAAA", "NOERROR"))
    result = judged(NameFacts(Resolved((GOOD,)), answers=answers))
    assert (result.verdict, result.seen) == (StepVerdict.OK, f"{GOOD} (public), said by 10.0.0.1")


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "10.20.30.40", "::", "fd00::1"])
def test_an_address_that_is_not_public_is_a_filters(address: str) -> None:
    kind = "AAAA" if ":" in address else "A"
    result = judged(NameFacts(Resolved((address,)), answers=(said("10.0.0.1", kind, "NOERROR", address),)))
    assert result.verdict is StepVerdict.FAILED
    assert f"exempt {NAME} in the filter behind 10.0.0.1" in result.cure


def test_an_own_host_may_have_a_private_address() -> None:
    result = judged(NameFacts(Resolved(("10.1.1.1",))), private=True)
    assert result.verdict is StepVerdict.OK


def test_a_line_in_the_hosts_file_is_cured_there() -> None:
    result = judged(NameFacts(Resolved(("0.0.0.0",)), listed=("0.0.0.0",)))
    assert result.verdict is StepVerdict.FAILED
    assert result.cure.startswith(f"remove {NAME} from /etc/hosts")


def test_one_good_address_beside_a_bad_one_still_works() -> None:
    assert judged(NameFacts(Resolved((GOOD, "::")))).verdict is StepVerdict.WARNING


@pytest.mark.parametrize(
    ("codes", "seen", "cure"),
    [
        pytest.param([SILENT, UNREACHABLE], "no DNS server answers", "port 53", id="silent"),
        pytest.param(["NXDOMAIN"], "10.0.0.0 says that tools.cisco.com does not exist (NXDOMAIN)", "exempt", id="none"),
        pytest.param(["NOERROR"], "that the name has no address (NOERROR)", "exempt", id="empty"),
        pytest.param(["SERVFAIL"], "SERVFAIL", "repair the DNS servers 10.0.0.0", id="failure"),
        pytest.param(["REFUSED", SILENT], "10.0.0.0 says REFUSED", "repair", id="refused and silent"),
    ],
)
def test_a_name_without_address_is_explained_by_its_servers(codes: list[str], seen: str, cure: str) -> None:
    answers = tuple(said(f"10.0.0.{number}", kind, code) for number, code in enumerate(codes) for kind in ("A", "AAAA"))
    result = judged(NameFacts(MISSING, answers=answers))
    assert result.verdict is StepVerdict.FAILED
    assert seen in result.seen
    assert cure in result.cure


def test_a_resolver_without_servers_says_why_itself() -> None:
    result = judged(NameFacts(Unresolved(Outcome.DNS_FAILED, "Temporary failure in name resolution")))
    assert (result.verdict, result.seen) == (StepVerdict.FAILED, "Temporary failure in name resolution")


def test_a_silent_first_server_is_a_warning() -> None:
    answers = (
        said("10.0.0.1", "A", SILENT),
        said("10.0.0.1", "AAAA", SILENT),
        said("10.0.0.2", "A", "NOERROR", GOOD),
        said("10.0.0.2", "AAAA", "NOERROR"),
    )
    result = judged(NameFacts(Resolved((GOOD,)), answers=answers))
    assert result.verdict is StepVerdict.WARNING
    assert result.seen.startswith("10.0.0.1 does not answer; ")


def test_silence_about_ipv6_alone_is_a_warning() -> None:
    answers = (said("10.0.0.1", "A", "NOERROR", GOOD), said("10.0.0.1", "AAAA", SILENT))
    result = judged(NameFacts(Resolved((GOOD,)), answers=answers))
    assert result.verdict is StepVerdict.WARNING
    assert "10.0.0.1 does not answer for IPv6 addresses (AAAA)" in result.seen


def test_a_search_list_that_leads_elsewhere_is_a_warning() -> None:
    searched = (said("10.0.0.1", "A", "NOERROR", "10.9.9.9", name=f"{NAME}.corp.example"),)
    result = judged(NameFacts(Resolved((GOOD,)), searched=searched))
    assert result.verdict is StepVerdict.WARNING
    assert f"{NAME}.corp.example, 10.9.9.9" in result.seen
