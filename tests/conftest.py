"""Fixtures for tests of a running gate, and the list of what a run could not try."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.authority import CISCO_HOSTS, Authority
from support.files_together import FilesTogether
from support.gate import Gate, gate_settings
from support.licensing_exchange import REFUSING_HOST
from support.requirements import NOT_TRIED
from support.standin import StandIn
from support.upstream import closed_port

hypothesis.settings.register_profile("unhurried", deadline=None)  # a slow machine is not a bug
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The test CA that signs the stand-ins' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def standin(authority: Authority) -> Iterator[StandIn]:
    """A server that stands in for Cisco's hosts."""
    with StandIn(authority) as server:
        yield server


@pytest.fixture
def gate(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate with the default allowlist. Its targets lead to the stand-in, except REFUSING_HOST."""
    ports = dict.fromkeys(CISCO_HOSTS, standin.port) | {REFUSING_HOST: closed_port()}
    with Gate(tmp_path, gate_settings(*(f"{host}:443:127.0.0.1:{port}" for host, port in ports.items()))) as running:
        yield running


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesTogether:
    """Choose what runs in the same process where there are several."""
    return FilesTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped for missing parts, so that a green run does not hide it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = sorted({report.longrepr[2].removeprefix("Skipped: ") for report in skipped})
    if untried := [reason for reason in reasons if reason.startswith(NOT_TRIED)]:
        terminalreporter.section("not tried in this run", red=True)
        for reason in untried:
            terminalreporter.line(reason)
