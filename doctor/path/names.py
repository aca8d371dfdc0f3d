"""The step `names`: which addresses a target has, who said so, and what went wrong on the way.

Decides by the gate's own rules: /etc/hosts first, then the absolute name (`proxy.dial.system_resolver`), and only
public addresses unless the rule says otherwise.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from licensegate.allowlist.addresses import classify
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.proxy.dial.dual_stack import host_has_ipv6
from licensegate.proxy.dial.resolution import Resolution, Resolved, Unresolved
from licensegate.proxy.dial.system_resolver import addresses_in_hosts, system_look_up

from ..host.resolv_conf import ResolverSettings
from ..step import StepResult, failed, merged, ok, warning
from .dns_servers import SILENT, UNREACHABLE, ServerAnswer, ask_servers

_MOST_SEARCHED: Final = 3


class NameFacts(Struct, frozen=True):
    """What was found out about a name.

    `resolution` is the answer that the gate would use, `listed` are the addresses in /etc/hosts, `answers` those of
    each server for the name itself, `searched` those for the name below each domain of the search list.
    """

    resolution: Resolution
    listed: tuple[str, ...] = ()
    answers: tuple[ServerAnswer, ...] = ()
    searched: tuple[ServerAnswer, ...] = ()


def look_up(name: str, resolver: ResolverSettings) -> NameFacts:
    """Look a name up as the gate does, and ask each server about it. Blocks for some seconds at most."""
    listed = addresses_in_hosts(name)
    if listed:
        return NameFacts(Resolved(listed), listed)
    resolution = next(iter(system_look_up(name)))
    below = [f"{name}.{domain}" for domain in resolver.search[:_MOST_SEARCHED]]
    answers = ask_servers(resolver.servers, (name, *below))
    return NameFacts(
        resolution,
        answers=tuple(answer for answer in answers if answer.name == name),
        searched=tuple(answer for answer in answers if answer.name != name and answer.answer.addresses),
    )


def judge_names(target: Target, rule: Rule, facts: NameFacts) -> StepResult:
    """Say which addresses the target has, and what is wrong with them or with the servers."""
    name = target.host
    if isinstance(facts.resolution, Unresolved):
        return merged([_unresolved(name, facts), *_server_warnings(name, facts)])
    addresses = facts.resolution.addresses
    results = [_judge_addresses(name, rule, addresses, facts), *_server_warnings(name, facts)]
    return merged(results)


def _judge_addresses(name: str, rule: Rule, addresses: Sequence[str], facts: NameFacts) -> StepResult:
    source = "in /etc/hosts" if facts.listed else _source(facts.answers)
    shown = ", ".join(f"{address} ({_described(address)})" for address in addresses)
    prohibited = [address for address in addresses if not classify(address).public]
    if not prohibited or rule.private:
        return ok(f"{shown}, {source}")
    if facts.listed:
        return failed(f"{shown}, {source}", f"remove {name} from /etc/hosts, or write its public address there")
    usable = len(prohibited) < len(addresses)
    return (warning if usable else failed)(f"{shown}, {source}", _sinkhole_cure(name, facts))


def _sinkhole_cure(name: str, facts: NameFacts) -> str:
    """A DNS filter answers for names that it blocks with an address of its own, or with none that can be used."""
    liars = [each.server for each in facts.answers if any(not classify(a).public for a in each.answer.addresses)]
    where = f"the filter behind {', '.join(dict.fromkeys(liars))}" if liars else "the DNS filter"
    return (
        f"a DNS filter blocks the name: exempt {name} in {where}, or let this host ask another DNS server; if the host "
        "is your own, write private = true in its rule"
    )


def _unresolved(name: str, facts: NameFacts) -> StepResult:
    """Why there is no address, by what the servers say."""
    servers = ", ".join(dict.fromkeys(each.server for each in facts.answers)) or "the system's resolver"
    codes = {each.answer.code for each in facts.answers}
    if codes and codes <= {SILENT, UNREACHABLE}:
        return failed(
            f"no DNS server answers: {servers}",
            "let this host reach port 53 of its DNS servers by UDP and TCP, or name others in /etc/resolv.conf",
        )
    said = _said(facts.answers) or (
        facts.resolution.detail if isinstance(facts.resolution, Unresolved) else "no address was found"
    )
    if "NXDOMAIN" in codes:
        cure = (
            f"a DNS filter blocks the name, or these servers do not know names of the Internet: exempt {name} there, "
            "or let them forward it"
        )
    elif "NOERROR" in codes:
        cure = f"a DNS filter blocks the name, or its zone here is incomplete: exempt {name} at {servers}"
    else:
        cure = f"repair the DNS servers {servers}, or name others in /etc/resolv.conf"
    return failed(said, cure)


def _server_warnings(name: str, facts: NameFacts) -> Iterator[StepResult]:
    """What is wrong with single servers, though an answer may have been found."""
    silent = {each.server for each in facts.answers if each.is_silent and each.kind == "A"}
    speaking = {each.server for each in facts.answers if not each.is_silent}
    for server in sorted(silent - speaking):
        if speaking:
            yield warning(
                f"{server} does not answer",
                f"repair {server}, or remove it from /etc/resolv.conf: each look-up may wait 5 s for it",
            )
    for each in facts.answers:
        if each.kind == "AAAA" and each.is_silent and each.server not in silent:
            slow = "each look-up" if host_has_ipv6() else "other programs' look-ups"
            yield warning(
                f"{each.server} does not answer for IPv6 addresses (AAAA) of {name}",
                f"let {each.server} answer AAAA queries, an empty answer will do: {slow} may wait for it",
            )
    for domain_answer in facts.searched:
        addresses = ", ".join(domain_answer.answer.addresses)
        yield warning(
            f"the search list leads other programs to {domain_answer.name}, {addresses}; the gate asks without it",
            f"remove the wildcard record at {domain_answer.server}, or the domain from the search list",
        )


def _source(answers: Sequence[ServerAnswer]) -> str:
    servers = dict.fromkeys(each.server for each in answers if each.answer.addresses)
    return f"said by {', '.join(servers)}" if servers else "said by the system's resolver, not by its DNS servers"


def _said(answers: Sequence[ServerAnswer]) -> str:
    """What each server answered, in words."""
    return "; ".join(
        f"{each.server} says {_in_words(each)}" for each in answers if not each.is_silent and each.kind == "A"
    )


def _in_words(answer: ServerAnswer) -> str:
    match answer.answer.code:
        case "NXDOMAIN":
            return f"that {answer.name} does not exist (NXDOMAIN)"
        case "NOERROR":
            return f"{', '.join(answer.answer.addresses) or 'that the name has no address'} (NOERROR)"
        case code:
            return code


def _described(address: str) -> str:
    found = classify(address)
    return "public" if found.public else f"not public: {found.name}"
