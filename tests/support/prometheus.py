"""A Prometheus on loopback, queried over its HTTP API as Grafana does."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.requirements import require_command
from support.upstream import SECONDS, closed_port

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # ignores this machine's proxy settings


class Prometheus:
    """A context manager for a ready Prometheus with this settings file. Its data is in the same folder."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._folder = settings.parent
        self._address = f"127.0.0.1:{closed_port()}"

    def __enter__(self) -> Self:
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    require_command("prometheus", "prometheus"),
                    f"--config.file={self._settings}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address={self._address}",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=os.environ | {"GOMAXPROCS": "1"},
            )
        try:
            self.until(self._is_ready)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)

    def _is_ready(self) -> bool:
        try:
            with _DIRECT.open(f"http://{self._address}/-/ready", timeout=SECONDS):
                return True
        except OSError:
            return False

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until `condition` is true and return its result. Raises AssertionError after SECONDS."""
        deadline = time.monotonic() + SECONDS
        while not (result := condition()):
            waiting = self._process.poll() is None and time.monotonic() < deadline
            assert waiting, (self._folder / "prometheus.log").read_text()
            time.sleep(0.1)
        return result

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an API response. Raises AssertionError with the API's error."""
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with _DIRECT.open(url, timeout=SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def values(self, query: str) -> list[float]:
        """The current result of a query, one number per series."""
        return [float(series["value"][1]) for series in self.get("query", query=query)["result"]]

    def lines(self, query: str, seconds: int) -> list[list[float]]:
        """The results of a query in each of the last seconds, a list per series."""
        now = time.time()
        found = self.get("query_range", query=query, start=f"{now - seconds}", end=f"{now}", step="1")
        return [[float(value) for _, value in series["values"]] for series in found["result"]]
