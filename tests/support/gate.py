"""Run a gate as an operator does: the installed command, a settings file, standard streams and the access log."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.licensing_exchange import TARGET
from support.upstream import SECONDS

COMMAND = Path(sys.executable).with_name("licensegate")
_LISTENER = re.compile(r"(\[[0-9a-f:.]+\]|[0-9.]+):([0-9]+)")

ANYTHING = "[tunnel]\nrequire_tls = false\nmatch_server_name = false\n"
"""Settings for tunnels that carry any bytes, for tests of the relay itself."""


NO_LOOKS = '[probe]\nhandshake = "off"\n'
"""Settings for a gate that looks at a target only when asked."""


def gate_settings(*connect_to: str, more: str = "", admin: str = "") -> str:
    """Settings for a gate on a free port of 127.0.0.1, whose access log has a line for every connection.

    `connect_to` are the entries of `dial.connect_to`, `more` is further TOML. There is no admin server unless `admin`
    is an address.
    """
    return f"""
[[listen]]
address = "127.0.0.1:0"

[dial]
connect_to = {json.dumps(connect_to)}

[log]
access = "access.jsonl"
lines_per_client = 0

[admin]
listen = "{admin}"

{more}
{"" if "[probe]" in more else NO_LOOKS}
"""


def cisco_at(port: int, *, more: str = "", admin: str = "") -> str:
    """Settings for a gate that reaches tools.cisco.com on this port of 127.0.0.1."""
    return gate_settings(f"{TARGET}:127.0.0.1:{port}", more=more, admin=admin)


class GateEndedError(AssertionError):
    """The gate ended unexpectedly; `status` is its exit code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Gate:
    """A `licensegate serve` process with these settings; `prefix` is a command to start it with.

    `descriptors` are inherited by it, with their numbers.

    A context manager. On entry the gate is ready: `listeners` are the addresses of its ready line, `stderr` its lines
    so far. On exit it is stopped with SIGTERM and must end with status 0.
    """

    def __init__(
        self,
        folder: Path,
        settings: str,
        *,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        descriptors: Collection[int] = (),
    ) -> None:
        self.folder = folder
        self.settings = folder / "licensegate.toml"
        self.settings.write_text(settings)
        self.stdout = folder / "stdout.txt"
        self.stderr: list[str] = []
        self.listeners: list[tuple[str, int]] = []
        self._environment = environment or {}
        self._prefix = prefix
        self._descriptors = descriptors
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._skipped = 0

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
                pass_fds=self._descriptors,
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
        """The proxy URL of the first listener."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the gate."""
        return self._process.pid

    def comes_to_rest(self) -> bool:
        """Whether the gate, within some seconds, uses less than 0.1 s of CPU time in 0.7 s: if it spins, it never does.

        On a busy machine, what it does once may take a while.
        """
        for _ in range(10):
            before = self.processor_seconds()
            time.sleep(0.7)
            if self.processor_seconds() - before < 0.1:
                return True
        return False

    def processor_seconds(self) -> float:
        """User and system CPU time of the gate's process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Resident memory of the gate's process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def send(self, number: signal.Signals) -> None:
        """Send the gate a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Send SIGTERM and wait for the gate to end, as `await_end` does."""
        self.send(signal.SIGTERM)
        self.await_end()

    def await_end(self) -> None:
        """Wait for the gate to end. Raises AssertionError if its exit status is not 0."""
        status = self._process.wait(SECONDS)
        self._reader.join()
        assert status == 0, f"the gate ended with {status}:\n{self._stderr_text()}"

    def records(self, at_least: int = 0) -> list[dict[str, Any]]:
        """Wait for `at_least` lines in the access log and return all of it. Raises AssertionError after SECONDS."""
        return self._records_once(lambda records: len(records) >= at_least)

    def forget_records(self) -> None:
        """Make `records` skip what is in the access log now."""
        self._skipped = 0
        self._skipped = len(self.records())

    def record(self, number: str) -> dict[str, Any]:
        """Wait for a record with this id and return the last one. Raises AssertionError after SECONDS."""
        found = self._records_once(lambda records: any(record["id"] == number for record in records))
        return next(record for record in reversed(found) if record["id"] == number)

    def _records_once(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        log = self.folder / "access.jsonl"
        deadline = time.monotonic() + SECONDS
        while True:
            text = log.read_text() if log.exists() else ""
            records = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
            records = records[self._skipped :]
            if enough(records):
                return records
            assert time.monotonic() < deadline, f"the expected records did not appear:\n{text}\n{self._stderr_text()}"
            time.sleep(0.02)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr.append(line.rstrip("\n"))
            self._lines.put(line)
        self._process.stderr.close()
        self._lines.put(None)

    def await_line(self, words: str) -> str:
        """Wait for a line with these words on standard error. Raises GateEndedError if the gate ends first."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            if words in line:
                return line
        raise GateEndedError(self._process.wait(SECONDS), f"the gate ended without {words!r}:\n{self._stderr_text()}")

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _stderr_text(self) -> str:
        return "\n".join(self.stderr)
