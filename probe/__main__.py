"""The probe process: reads a `LookJob` as one line of JSON, and writes a `TargetReport` as another. Ends after it."""

import os
import signal
import sys
from typing import Final

import msgspec

from licensegate.certs.pem import CertificateError

from .job import LookJob
from .look import look

_LIFE_SECONDS: Final = 25
"""Then the kernel ends it, even if the gate is gone and a file hangs."""


def main() -> int:
    """Make one look. Returns 1, with the reason on standard error, if a file of the job cannot be used."""
    signal.alarm(_LIFE_SECONDS)
    os.nice(10)  # the gate's tunnels come first
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=LookJob)
    try:
        report = look(job)
    except CertificateError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
