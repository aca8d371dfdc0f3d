"""A running gate, met as an operator meets it: the installed command, a settings file, its streams and its log."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.upstream import SECONDS

COMMAND = Path(sys.executable).with_name("licensegate")
_LISTENER = re.compile(r"(\[[0-9a-f:.]+\]|[0-9.]+):([0-9]+)")


def lab(*connect_to: str, more: str = "") -> str:
    """Settings for a gate on a free port of 127.0.0.1 that dials as `connect_to` says; `more` is further TOML."""
    return f"""
[[listen]]
address = "127.0.0.1:0"

[dial]
connect_to = {json.dumps(connect_to)}

[log]
access = "access.jsonl"

{more}
"""


class Gate:
    """`licensegate serve` with the settings given, in a process of its own.

    Entered, it is ready to serve. `listeners` are the addresses of its ready line, `stderr` the lines so far. Left, it
    has been stopped as an operator stops it, and `stop` has checked that it ended well.
    """

    def __init__(
        self, folder: Path, settings: str, *, environment: dict[str, str] | None = None, user: str | None = None
    ) -> None:
        self.folder = folder
        self.settings = folder / "licensegate.toml"
        self.settings.write_text(settings)
        self.stdout = folder / "stdout.txt"
        self.stderr: list[str] = []
        self.listeners: list[tuple[str, int]] = []
        self._environment = environment or {}
        self._user = user
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LICENSEGATE")}
        with self.stdout.open("wb") as stdout:
            self._process = subprocess.Popen(
                [COMMAND, "serve", "--config", self.settings],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env=inherited | self._environment,
                user=self._user,
            )
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        try:
            self._await_ready()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._kill()
        elif self._process.poll() is None:
            self.stop()

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self.listeners[0][1]

    @property
    def url(self) -> str:
        """The first listener, as clients want their proxy written."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The gate's process."""
        return self._process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the gate and wait until its log is complete; raises AssertionError if it did not end with 0."""
        self._process.send_signal(number)
        status = self._process.wait(SECONDS)
        self._reader.join()
        assert status == 0, f"the gate ended with {status}:\n{self._said()}"

    def records(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The access log so far, parsed, after waiting until it has `at_least` lines; raises AssertionError if not."""
        log = self.folder / "access.jsonl"
        deadline = time.monotonic() + SECONDS
        while True:
            text = log.read_text() if log.exists() else ""
            lines = text[: text.rfind("\n") + 1].splitlines()
            if len(lines) >= at_least:
                return [json.loads(line) for line in lines]
            assert time.monotonic() < deadline, f"{len(lines)} records, not {at_least}:\n{text}\n{self._said()}"
            time.sleep(0.02)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr.append(line.rstrip("\n"))
            self._lines.put(line)
        self._process.stderr.close()
        self._lines.put(None)

    def _await_ready(self) -> None:
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            if "ready" in line:
                found = _LISTENER.findall(line.partition("listening on")[2])
                self.listeners = [(host.strip("[]"), int(port)) for host, port in found]
                return
        raise AssertionError(f"the gate ended with {self._process.wait(SECONDS)} before it was ready:\n{self._said()}")

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _said(self) -> str:
        return "\n".join(self.stderr)
