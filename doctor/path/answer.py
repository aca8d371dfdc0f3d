"""The steps `http` and `clocks`: the target's answer to a request, and how far its clock and ours are apart."""

from datetime import timedelta
from typing import Final

from licensegate.certs.chain import MOST_SKEW
from licensegate.records.record import TunnelRecord

from ..step import StepResult, failed, ok, skipped, warning
from .exchange import HttpExchange

_NOTABLE: Final = timedelta(minutes=5)


def judge_exchange(found: HttpExchange, record: TunnelRecord | None = None) -> StepResult:
    """Whether the target answered. Any HTTP status is an answer. `record` is that of the tunnel, if it is known."""
    if found.status:
        server = f" from {found.server}" if found.server else ""
        return ok(f"HTTP {found.status}{server} in {found.ms:.0f} ms")
    if record is not None and record.outcome is not None and found.proxy_status:
        return failed(record.sentence(), record.remedy())
    return failed(
        found.fault,
        "look at the steps tls and chain: a firewall, IPS or proxy on the way lets the connection begin and then stops "
        "it; exempt the target from inspection there",
    )


def judge_skew(target: str, skew: float | None) -> StepResult:
    """Compare the clocks by the Date of an answer."""
    if skew is None:
        return skipped("there is no answer with a Date to compare with")
    how_far = timedelta(seconds=round(abs(skew)))
    said = f"the clock of {target} is {how_far} {'ahead of' if skew > 0 else 'behind'} this host's"
    if how_far < _NOTABLE:
        return ok(f"{target} and this host agree within {max(1, round(abs(skew)))} s")
    cure = "set this host's clock and CUCM's by NTP (utils ntp status); if both are right, the target's clock is wrong"
    return (failed if how_far >= MOST_SKEW else warning)(said, cure)
