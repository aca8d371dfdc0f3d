"""The step `tunnel`: the gate's own dial to the target, directly or through the parent proxies."""

from licensegate.records.record import DIRECT, TunnelRecord

from ..step import StepResult, failed, ok


def judge_dial(record: TunnelRecord) -> StepResult:
    """What the record of a dial says."""
    if record.outcome is not None:
        return failed(record.sentence(), record.remedy())
    if record.parent in ("", DIRECT):
        return ok(f"connected directly to {record.upstream}")
    login = f" with a login by {record.parent_login}" if record.parent_login else ""
    return ok(f"through the parent proxy {record.parent}{login}")
