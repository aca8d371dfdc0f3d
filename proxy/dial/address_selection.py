"""Which addresses of a target may be dialled, and in which order."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from licensegate.allowlist.addresses import classify
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome

from .loop_guard import UNSPECIFIED, LoopGuard

_MAX_SHOWN: Final = 4


class KnownAddress(Struct, frozen=True):
    """The address and port of a target that needs no look-up. One that the operator named may be private."""

    address: str
    port: int
    named_by_operator: bool


def known_address(target: Target, rule: Rule, connect_to: Mapping[Target, tuple[str, int]]) -> KnownAddress | None:
    """The address of a target that `connect_to` has or that is one itself; None for a name to look up."""
    named = connect_to.get(target)
    if named is not None:
        address, port = named
        return KnownAddress(address, port, True)
    return KnownAddress(target.host, target.port, rule.private) if target.is_address else None


def interleave(addresses: list[str]) -> list[str]:
    """Alternate between the address families, starting with that of the first address (RFC 8305 section 4)."""
    first_is_v6 = ":" in addresses[0]
    first = [address for address in addresses if (":" in address) is first_is_v6]
    second = [address for address in addresses if (":" in address) is not first_is_v6]
    mixed: list[str] = []
    for index in range(max(len(first), len(second))):
        mixed += first[index : index + 1] + second[index : index + 1]
    return mixed


def allowed_addresses(addresses: list[str], port: int, loop_guard: LoopGuard, *, named_by_operator: bool) -> list[str]:
    """The addresses that are public or named by the operator, and do not lead back to the gate."""
    allowed = list(addresses) if named_by_operator else [each for each in addresses if classify(each).public]
    if not loop_guard.has_port(port):
        return allowed
    return [address for address in allowed if not loop_guard.has(address, port)]


def explain_refusal(addresses: list[str], port: int, loop_guard: LoopGuard) -> tuple[Outcome, str]:
    """The outcome and detail for a target with no address that may be dialled.

    The unspecified address reaches this host, too, but no listener is announced by it: a DNS filter answers so.
    """
    own = [address for address in addresses if address not in UNSPECIFIED and loop_guard.has(address, port)]
    if own:
        return Outcome.TARGET_IS_GATE, ", ".join(own[:_MAX_SHOWN])
    shown = [f"{address} ({classify(address).name})" for address in addresses[:_MAX_SHOWN]]
    return Outcome.DESTINATION_IP_PROHIBITED, ", ".join(shown)
