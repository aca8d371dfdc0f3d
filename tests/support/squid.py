"""squid as a parent proxy that may want a login, with the helpers that Debian ships beside it."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.parts import require_command
from support.upstream import SECONDS, closed_port

HELPERS = Path("/usr/lib/squid")
USER, PASSWORD = "svc-licensing", "correct horse"


class Squid:
    """A squid on a free port of 127.0.0.1 that reaches every name at `target_port` of this host.

    `login` is configuration that comes first. Entered, it answers.
    """

    def __init__(self, folder: Path, target_port: int, login: Sequence[str] = (), *, port: int = 0) -> None:
        self.program = require_command("squid", "squid")
        folder.chmod(0o755)
        self.folder = folder / f"squid-{len(list(folder.iterdir()))}"
        self.folder.mkdir()
        self.folder.chmod(0o777)  # started by root, squid writes as a user of its own
        self.port = port or closed_port()
        self.access_log = self.folder / "access.log"
        rewrite = self.folder / "rewrite"
        rewrite.write_text(
            f"#!/bin/sh\nwhile read -r line; do echo 'OK rewrite-url=\"127.0.0.1:{target_port}\"'; done\n"
        )
        rewrite.chmod(0o755)
        self._settings = self.folder / "squid.conf"
        self._settings.write_text(
            "\n".join(
                [
                    *login,
                    *([] if login else ["http_access allow all"]),
                    f"http_port 127.0.0.1:{self.port}",
                    f"url_rewrite_program {rewrite}",
                    "url_rewrite_children 1 startup=1",
                    "visible_hostname parent.test",
                    "shutdown_lifetime 0 seconds",
                    "cache deny all",
                    f"access_log stdio:{self.access_log}",
                    f"cache_log {self.folder}/cache.log",
                    f"pid_filename {self.folder}/squid.pid",
                    f"coredump_dir {self.folder}",
                    "",
                ]
            )
        )

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self.program, "-N", "-f", self._settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + SECONDS
        log = self.folder / "cache.log"
        while not log.exists() or "Accepting HTTP" not in log.read_text(errors="replace"):
            assert self._process.poll() is None, f"squid ended:\n{log.read_text() if log.exists() else ''}"
            assert time.monotonic() < deadline, "squid never came up"
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
