"""Runs the probe process: one look at one target, through the gate, bounded in time. The process ends with the look.

Started for each look, since the gate looks a few times a day: waiting, it would keep 56 MB. It gets its connections as
open descriptors, the job on standard input, and writes the report to standard output.
"""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Final, Protocol

import msgspec

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.diagnosis.target_report import TargetReport
from licensegate.probe.job import LookJob
from licensegate.proxy.tunnel.invitation import Invitation
from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.text import printable

PROCESS_SECONDS: Final = 20.0
"""How long a look may take; then its process is killed."""

_CONNECTIONS: Final = 2  # the second is for an older version of TLS
_SHOWN: Final = 300


class ProbeFailedError(Exception):
    """The probe process made no report: it was killed, or a file of its job cannot be used. Says why."""


class InvitingGate(Protocol):
    """The part of the gate that a look needs."""

    def invite(self, target: Target, rule: Rule) -> Invitation:
        """Open a connection for the probe process."""

    def withdraw(self, invitation: Invitation) -> None:
        """End an invitation."""


async def run_look(gate: InvitingGate, target: Target, rule: Rule, roots: Path | None) -> TargetReport:
    """Look at a target that `rule` allows. Raises ProbeFailedError. Cancelling it ends the process."""
    invitations = [gate.invite(target, rule) for _ in range(_CONNECTIONS)]
    try:
        descriptors = tuple(one.theirs.fileno() for one in invitations)
        job = LookJob(target.host, target.port, descriptors, rule.private, rule.ca, str(roots or ""))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "licensegate.probe"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,  # a Ctrl-C at the terminal is for the gate
        )
        return await _report(process, job)
    except OSError as error:
        raise ProbeFailedError(f"the probe process cannot be started: {error.strerror}") from None
    finally:
        for one in invitations:
            gate.withdraw(one)


async def _report(process: asyncio.subprocess.Process, job: LookJob) -> TargetReport:
    try:
        async with asyncio.timeout(PROCESS_SECONDS):
            out, errors = await process.communicate(msgspec.json.encode(job) + b"\n")
    except TimeoutError:
        raise ProbeFailedError(f"the probe process made no report within {PROCESS_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return msgspec.json.decode(out, type=TargetReport)
    except JSON_ERRORS:
        lines = errors.strip().splitlines() or [b"without a word"]
        status = process.returncode
        said = printable(lines[-1], _SHOWN)
        raise ProbeFailedError(f"the probe process ended with status {status}: {said}") from None
