"""Which addresses of a target may be dialled, and in which order they are tried."""

from typing import Final

from licensegate.allowlist.addresses import judge
from licensegate.records.outcome import Outcome

from .loop_guard import LoopGuard

_NAMED_AT_MOST: Final = 4


def interleave(addresses: list[str]) -> list[str]:
    """Alternate between the families, the first one first (RFC 8305 section 4)."""
    first_is_v6 = ":" in addresses[0]
    first = [address for address in addresses if (":" in address) is first_is_v6]
    second = [address for address in addresses if (":" in address) is not first_is_v6]
    mixed: list[str] = []
    for place in range(max(len(first), len(second))):
        mixed += first[place : place + 1] + second[place : place + 1]
    return mixed


def may_be_dialled(addresses: list[str], port: int, own: LoopGuard, *, named_by_operator: bool) -> list[str]:
    """Those that are public, or named by the operator, and do not lead back to the gate."""
    allowed = addresses if named_by_operator else [address for address in addresses if judge(address).public]
    return [address for address in allowed if not own.has(address, port)]


def why_none(addresses: list[str], own: LoopGuard) -> tuple[Outcome, str]:
    """Why none of a target's addresses may be dialled."""
    ours = [address for address in addresses if own.is_local(address)]
    if ours:
        return Outcome.TARGET_IS_GATE, ", ".join(ours[:_NAMED_AT_MOST])
    told = [f"{address} ({judge(address).name})" for address in addresses[:_NAMED_AT_MOST]]
    return Outcome.DESTINATION_IP_PROHIBITED, ", ".join(told)
