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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.upstream import SECONDS

COMMAND = Path(sys.executable).with_name("licensegate")
_LISTENER = re.compile(r"(\[[0-9a-f:.]+\]|[0-9.]+):([0-9]+)")

ANYTHING = "[tunnel]\nrequire_tls = false\nmatch_server_name = false\n"
"""Settings by which a tunnel carries whatever it is given: for a test of how, and not of what."""


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


class GateEndedError(AssertionError):
    """The gate ended where it should have gone on; `status` is its exit code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Gate:
    """`licensegate serve` with the settings given, in a process of its own, behind a command `prefix` if need be.

    Entered, it is ready to serve. `listeners` are the addresses of its ready line, `stderr` the lines so far. Left, it
    has been stopped as an operator stops it, and `stop` has checked that it ended well.
    """

    def __init__(
        self,
        folder: Path,
        settings: str,
        *,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.settings = folder / "licensegate.toml"
        self.settings.write_text(settings)
        self.stdout = folder / "stdout.txt"
        self.stderr: list[str] = []
        self.listeners: list[tuple[str, int]] = []
        self._environment = environment or {}
        self._prefix = prefix
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._forgotten = 0

    def __enter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LICENSEGATE")}
        with self.stdout.open("wb") as stdout:
            self._process = subprocess.Popen(
                [*self._prefix, COMMAND, "serve", "--config", self.settings],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env={**inherited, **self._environment},
            )
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        try:
            ready = self.await_line("ready")
        except BaseException:
            self._kill()
            raise
        found = _LISTENER.findall(ready.partition("listening on")[2].partition(";")[0])
        self.listeners = [(host.strip("[]"), int(port)) for host, port in found]
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

    def processor_seconds(self) -> float:
        """What the gate's process has used of the processors so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """The memory that the gate's process has in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def send(self, number: signal.Signals) -> None:
        """Send the gate a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Stop the gate as an operator does, and wait for its end as `await_end` does."""
        self.send(signal.SIGTERM)
        self.await_end()

    def await_end(self) -> None:
        """Wait until the gate has ended and its log is complete; raises AssertionError if it did not end with 0."""
        status = self._process.wait(SECONDS)
        self._reader.join()
        assert status == 0, f"the gate ended with {status}:\n{self._said()}"

    def records(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The access log so far, parsed, after waiting until it has `at_least` lines; raises AssertionError if not."""
        return self._records_once(lambda records: len(records) >= at_least)

    def forget_records(self) -> None:
        """Begin the access log anew, as far as `records` is concerned."""
        self._forgotten = 0
        self._forgotten = len(self.records())

    def record(self, number: str) -> dict[str, Any]:
        """The last line of the access log with this id, as soon as it is there; raises AssertionError if never."""
        found = self._records_once(lambda records: any(record["id"] == number for record in records))
        return next(record for record in reversed(found) if record["id"] == number)

    def _records_once(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        log = self.folder / "access.jsonl"
        deadline = time.monotonic() + SECONDS
        while True:
            text = log.read_text() if log.exists() else ""
            records = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
            records = records[self._forgotten :]
            if enough(records):
                return records
            assert time.monotonic() < deadline, f"not the records that were expected:\n{text}\n{self._said()}"
            time.sleep(0.02)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr.append(line.rstrip("\n"))
            self._lines.put(line)
        self._process.stderr.close()
        self._lines.put(None)

    def await_line(self, words: str) -> str:
        """The next line on standard error with these words in it; raises GateEndedError if the gate ends without."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            if words in line:
                return line
        raise GateEndedError(self._process.wait(SECONDS), f"the gate ended without {words!r}:\n{self._said()}")

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _said(self) -> str:
        return "\n".join(self.stderr)
