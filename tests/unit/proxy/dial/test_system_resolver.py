"""How names are passed to the system's resolver, and what its errors mean."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.proxy.dial import system_resolver
from licensegate.proxy.dial.resolution import Resolved, Unresolved
from licensegate.proxy.dial.system_resolver import absolute, system_look_up
from licensegate.records.outcome import Outcome
from support.resolver_harness import NAME


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "hosts"
    monkeypatch.setattr(system_resolver, "HOSTS", file)
    return file


def getaddrinfo_raising(error: OSError) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_the_system_resolver_knows_localhost() -> None:
    *_, answer = system_look_up("localhost")
    assert isinstance(answer, Resolved)
    assert set(answer.addresses) <= {"127.0.0.1", "::1"}
    assert len(set(answer.addresses)) == len(answer.addresses)


@pytest.mark.parametrize(
    ("name", "asked"),
    [("tools.cisco.com", "tools.cisco.com."), ("intranet.test", "intranet.test."), ("intranet", "intranet")],
)
def test_the_search_list_is_for_names_of_one_label_only(name: str, asked: str) -> None:
    assert absolute(name) == asked


def test_a_name_in_the_hosts_file_is_not_looked_up_in_dns(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.write_text(f"192.0.2.7 {NAME}\n")
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo_raising(AssertionError("asked")))  # type: ignore[arg-type]
    assert list(system_look_up(NAME)) == [Resolved(("192.0.2.7",))]


@pytest.mark.parametrize("in_its_place", [None, "/dev/null", "/etc"], ids=["nothing", "device", "directory"])
def test_without_a_hosts_file_the_system_resolver_is_used(
    hosts: Path, monkeypatch: pytest.MonkeyPatch, in_its_place: str | None
) -> None:
    if in_its_place is not None:
        hosts.symlink_to(in_its_place)
    asked: list[object] = []

    def answer(name: object, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert list(system_look_up(NAME)) == [Resolved(("192.0.2.1",))]
    assert asked == [f"{NAME}.".encode()]


def test_an_unreadable_override_is_not_ignored(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    hosts.write_text(f"192.0.2.7 {NAME}\n")
    monkeypatch.setattr(system_resolver, "read_whole", fail)
    assert list(system_look_up(NAME)) == [Unresolved(Outcome.DNS_FAILED, "Too many open files")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Outcome.DNS_NOT_FOUND, id="no"),
        pytest.param(socket.gaierror(socket.EAI_NODATA, "No address"), Outcome.DNS_EMPTY, id="no address"),
        pytest.param(socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Outcome.DNS_FAILED, id="again"),
        pytest.param(socket.gaierror(socket.EAI_FAIL, "Failure"), Outcome.DNS_FAILED, id="failure"),
        pytest.param(OSError(24, "Too many open files"), Outcome.DNS_FAILED, id="descriptors"),
    ],
)
def test_errors_of_the_system_resolver_map_to_outcomes(
    monkeypatch: pytest.MonkeyPatch, error: OSError, outcome: Outcome
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo_raising(error))
    (answer,) = system_look_up(NAME)
    assert isinstance(answer, Unresolved)
    assert answer.outcome is outcome
    if outcome is Outcome.DNS_FAILED:
        assert answer.detail == error.strerror
