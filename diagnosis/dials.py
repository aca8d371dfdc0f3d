"""Findings about the way to a target: its name, its addresses, the time it takes. Pure."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from licensegate.allowlist.addresses import classify
from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from .case import SILENCE_MS, Case, Conclusion, seconds, through_parent
from .codes import Code

_BLOCK_PAGES: Final = (ipaddress.ip_network("146.112.61.104/29"),)
"""Public addresses of block pages: Cisco Umbrella's (its documentation, "Block page IP addresses")."""

_SHOWN: Final = 4


def of_private_address(case: Case) -> Conclusion:
    """Only addresses that are not public. A preset's targets are public services, so a filter has answered for them."""
    record = case.record
    if record.preset or is_nowhere(record.addresses):
        return Conclusion(Code.DNS_SINKHOLE, Certainty.LIKELY, _resolved(record))
    return Conclusion(Code.PRIVATE_NOT_ALLOWED, Certainty.LIKELY, _resolved(record))


def of_own_address(case: Case) -> Conclusion:
    """An address and port of the gate. Loopback is what filters answer; nobody leads clients to a gate by it."""
    record = case.record
    if is_nowhere(record.addresses):
        return Conclusion(Code.DNS_SINKHOLE, Certainty.LIKELY, _resolved(record))
    return Conclusion(Code.TARGET_IS_GATE, Certainty.CERTAIN, _resolved(record))


def of_client_left(case: Case) -> Conclusion:
    """The client left while its target was dialled."""
    record = case.record
    tried = ", ".join(dict.fromkeys(attempt.address for attempt in record.attempts))
    waited = (record.total_ms or 0.0) - (record.head_ms or 0.0)
    evidence = f"it left after {seconds(waited)}" + (f"; tried until then: {tried}" if tried else "")
    if waited >= SILENCE_MS:
        return Conclusion(Code.CLIENT_IMPATIENT, Certainty.LIKELY, evidence)
    return Conclusion(Code.CLIENT_LEFT, Certainty.LIKELY, evidence)


def blocked_by_name(record: TunnelRecord) -> Conclusion | None:
    """All addresses that were dialled are those of block pages."""
    if through_parent(record) or not record.addresses or not all(map(_is_block_page, record.addresses)):
        return None
    return Conclusion(Code.DNS_SINKHOLE, Certainty.LIKELY, f"{_resolved(record)}, the address of a block page")


def lost_on_ipv6(record: TunnelRecord) -> Conclusion | None:
    """The addresses of IPv6 cost a second or more, and one of IPv4 answered."""
    attempts = record.attempts
    if len(attempts) < 2 or (record.dial_ms or 0.0) < SILENCE_MS:
        return None
    failed = [attempt for attempt in attempts if attempt.errno]
    reached = [attempt for attempt in attempts if not attempt.errno]
    if not reached or ":" in reached[-1].address or not all(":" in attempt.address for attempt in failed):
        return None
    named = ", ".join(attempt.address for attempt in failed[:_SHOWN])
    return Conclusion(
        Code.IPV6_BROKEN, Certainty.LIKELY, f"{seconds(record.dial_ms or 0.0)} until IPv4 answered; failed: {named}"
    )


def is_own_host(record: TunnelRecord) -> bool:
    """Whether the target is a server of the operator's: a rule of theirs, and addresses that are not public."""
    if record.preset or through_parent(record) or not record.addresses:
        return False
    return not any(classify(address).public for address in map(_without_zone, record.addresses))


def is_nowhere(addresses: Sequence[str]) -> bool:
    """Whether all addresses lead to the asking host itself: 0.0.0.0, :: and loopback."""
    parsed = [ipaddress.ip_address(_without_zone(address)) for address in addresses]
    return bool(parsed) and all(address.is_unspecified or address.is_loopback for address in parsed)


@lru_cache(maxsize=1024)  # each failed tunnel asks, and targets have few addresses
def _is_block_page(address: str) -> bool:
    parsed = ipaddress.ip_address(_without_zone(address))
    return any(parsed in network for network in _BLOCK_PAGES)


def _without_zone(address: str) -> str:
    return address.partition("%")[0]


def _resolved(record: TunnelRecord) -> str:
    return f"its name resolves to {', '.join(record.addresses[:_SHOWN]) or record.detail}"


RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion]]] = {
    Outcome.DESTINATION_IP_PROHIBITED: of_private_address,
    Outcome.TARGET_IS_GATE: of_own_address,
    Outcome.CLIENT_LEFT_IN_DIAL: of_client_left,
}
