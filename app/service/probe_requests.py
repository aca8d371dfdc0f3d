"""Answers `licensegate probe` on the control socket: the names of the targets, or a look at one of them."""

import msgspec

from licensegate.allowlist.target import TargetError, parse_authority

from .components import Components
from .control_protocol import Reply
from .probe_process import ProbeFailedError


async def answer_probe(components: Components, asked: str) -> Reply:
    """Look at the target `asked` for; without one, return the names of all. The message is JSON if all went well."""
    if not asked:
        names = [str(target) for target, _ in components.targets.exact()]
        return Reply(True, msgspec.json.encode(names).decode())
    try:
        target = parse_authority(asked.encode())
    except TargetError as error:
        return Reply(False, f"{asked!r} is not a target, like tools.cisco.com:443: {error}")
    decision = components.settings.policy.decide(target)
    if decision.rule is None or not (decision.allowed or decision.reported):
        return Reply(False, f"{target} is not in the allowlist")
    try:
        report = await components.looks.look(target, decision.rule)
    except ProbeFailedError as error:
        return Reply(False, f"{target}: {error}")
    return Reply(True, msgspec.json.encode(report).decode())
