"""Run client programs without this machine's proxy settings."""

import os
import subprocess
from pathlib import Path

from support.upstream import SECONDS


def run(*command: str | Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with `environment` added to the inherited one. Times out after SECONDS."""
    return run_within(SECONDS, *command, stdin=stdin, **environment)


def run_within(
    seconds: float, *command: str | Path, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as `run` does, but with a limit of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, env=inherited | environment)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
