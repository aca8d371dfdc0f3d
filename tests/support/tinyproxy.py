"""tinyproxy as a parent proxy that wants a Basic login."""

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.requirements import require_command
from support.squid import PASSWORD, USER
from support.upstream import SECONDS, closed_port


class Tinyproxy:
    """A tinyproxy on a free port of 127.0.0.1, with its files in `folder`. It runs inside a `with` block."""

    def __init__(self, folder: Path) -> None:
        self.port = closed_port()
        self._program = require_command("tinyproxy", "tinyproxy")
        self._log = folder / "tinyproxy.log"
        self._settings = folder / "tinyproxy.conf"
        user = PASSWORD.replace(" ", "")
        self._settings.write_text(
            f"Port {self.port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nMaxClients 20\n"
            f'BasicAuth {USER} {user}\nLogLevel Info\nLogFile "{self._log}"\n'
        )
        self.password = user

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self._program, "-d", "-c", self._settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + SECONDS
        while "Accepting connections" not in self.log:
            assert self._process.poll() is None, f"tinyproxy ended:\n{self.log}"
            assert time.monotonic() < deadline, f"tinyproxy never came up:\n{self.log}"
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(SECONDS)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""
