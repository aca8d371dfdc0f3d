"""Examines the host and the path to each target, step by step. `licensegate doctor` prints what it finds.

`step` has the values: a step, and its result with what was seen and the cure. `examination` runs the steps within their
limits. `host` looks at this machine, `path` at the way to a target and at the gate's own listeners. `bundle` packs the
results for a support engineer, and `redaction` keeps secrets out of it. Nothing here prints.
"""
