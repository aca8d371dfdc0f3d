"""What is said about this machine, by what was read from it."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensegate.doctor.host.clock import KernelClock, judge_clock, read_kernel_clock
from licensegate.doctor.host.descriptors import judge_descriptors, look_at_descriptors
from licensegate.doctor.host.disk import judge_disk, judge_file_system
from licensegate.doctor.host.memory import MemoryLimit, judge_memory, read_memory_limit
from licensegate.doctor.host.port_holders import PortHolder, holder_of, port_holders
from licensegate.doctor.host.ports import find_gate, look_at_port
from licensegate.doctor.host.resolv_conf import (
    ResolverSettings,
    judge_resolver,
    parse_resolver_settings,
    read_resolver_settings,
)
from licensegate.doctor.step import StepVerdict
from licensegate.proxy.settings import Limits, ListenAddress

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def file_system(
    *, blocks: int = 1 << 21, free: int = 1 << 20, inodes: int = 100_000, files: int = 200_000, flag: int = 0
) -> os.statvfs_result:
    """A file system with blocks of 4 KB."""
    return os.statvfs_result((4096, 4096, blocks, free, free, files, inodes, inodes, flag, 255))


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        pytest.param(file_system(), StepVerdict.OK, "4096 MB free", id="well"),
        pytest.param(file_system(free=0), StepVerdict.FAILED, "the disk is full", id="full"),
        pytest.param(file_system(blocks=0, free=0), StepVerdict.SKIPPED, "does not say", id="one without a size"),
        pytest.param(file_system(free=1000), StepVerdict.WARNING, "only 3 MB are free", id="nearly full"),
        pytest.param(file_system(inodes=0), StepVerdict.FAILED, "no inode is left", id="no inodes"),
        pytest.param(file_system(inodes=7), StepVerdict.WARNING, "only 7 inodes", id="few inodes"),
        pytest.param(file_system(inodes=0, files=0), StepVerdict.OK, "MB free", id="inodes are not counted"),
        pytest.param(file_system(flag=os.ST_RDONLY), StepVerdict.FAILED, "read-only", id="read-only"),
    ],
)
def test_a_file_system_is_judged(found: os.statvfs_result, verdict: StepVerdict, words: str) -> None:
    result = judge_file_system("log.access: /var/log", found)
    assert (result.verdict, words in result.seen) == (verdict, True), result


def test_a_folder_that_the_gate_makes_is_on_its_parents_disk(tmp_path: Path) -> None:
    assert judge_disk("state.directory", tmp_path / "state").verdict is not StepVerdict.FAILED
    assert judge_disk("state.directory", tmp_path / "missing" / "state").verdict is StepVerdict.FAILED


def test_descriptors_are_compared_with_what_a_full_gate_needs() -> None:
    limits = Limits()
    assert judge_descriptors(limits, limits.descriptors, "it").verdict is StepVerdict.OK
    short = judge_descriptors(limits, 1024, "it")
    assert short.verdict is StepVerdict.WARNING
    assert f"raise the limit to {limits.descriptors}" in short.cure


def test_the_limit_of_a_running_process_is_read() -> None:
    soft = Path("/proc/self/limits").read_text().partition("Max open files")[2].split()[0]
    assert f"the running gate may open {soft} files" in look_at_descriptors(Limits(tunnels=1), os.getpid()).seen


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        pytest.param(None, StepVerdict.OK, id="none"),
        pytest.param(MemoryLimit(1 << 30), StepVerdict.OK, id="wide"),
        pytest.param(MemoryLimit(64 << 20), StepVerdict.WARNING, id="narrow"),
        pytest.param(MemoryLimit(1 << 30, kills=2), StepVerdict.WARNING, id="has ended a program"),
    ],
)
def test_memory_is_compared_with_what_a_full_gate_takes(limit: MemoryLimit | None, verdict: StepVerdict) -> None:
    assert judge_memory(Limits(), limit).verdict is verdict


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        pytest.param("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "500"}, MemoryLimit(500), id="version 2"),
        pytest.param(
            "0::/a\n",
            {"a/memory.max": "500", "a/memory.events": "low 0\noom_kill 3"},
            MemoryLimit(500, 3),
            id="kills",
        ),
        pytest.param(
            "4:memory:/x\n0::/\n", {"memory/x/memory.limit_in_bytes": "700"}, MemoryLimit(700), id="version 1"
        ),
        pytest.param("4:memory:/\n", {"memory/memory.limit_in_bytes": str(2**63 - 4096)}, None, id="no limit"),
        pytest.param("", {}, None, id="no groups"),
    ],
)
def test_the_narrowest_memory_limit_is_read(
    tmp_path: Path, groups: str, files: dict[str, str], expected: MemoryLimit | None
) -> None:
    (tmp_path / "own").write_text(groups)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_memory_limit(tmp_path / "own", tmp_path) == expected


def test_a_clock_that_nothing_keeps_is_a_warning() -> None:
    assert judge_clock(KernelClock(synchronised=True, at_most=0.004), NOW).verdict is StepVerdict.OK
    alone = judge_clock(KernelClock(synchronised=False, at_most=16), NOW)
    assert (alone.verdict, "systemd-timesyncd" in alone.cure) == (StepVerdict.WARNING, True)


def test_the_kernels_clock_is_read_without_privileges() -> None:
    clock = read_kernel_clock()
    assert clock is None or clock.at_most >= 0


def test_resolv_conf_is_read_as_glibc_reads_it() -> None:
    text = "# c\nnameserver 10.0.0.1\nnameserver fd00::1\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
    text += "domain old.example\nsearch Corp.Example. b.example\noptions timeout:1 ndots:5\nnameserver\n"
    assert parse_resolver_settings(text) == ResolverSettings(
        ("10.0.0.1", "fd00::1", "10.0.0.3"), ("10.0.0.4",), ("corp.example", "b.example"), 5
    )


@pytest.mark.parametrize(("ndots", "read"), [("²", 1), ("-1", 1), ("x", 1), ("9" * 5000, 1), ("16", 15), ("0", 0)])
def test_ndots_is_a_number_up_to_fifteen(ndots: str, read: int) -> None:
    assert parse_resolver_settings(f"options ndots:{ndots}\n").ndots == read


def test_without_resolv_conf_this_host_is_asked(tmp_path: Path) -> None:
    assert read_resolver_settings(tmp_path / "missing") == ResolverSettings(("127.0.0.1",))


def test_a_fourth_dns_server_is_a_warning() -> None:
    assert judge_resolver(ResolverSettings(("10.0.0.1",))).verdict is StepVerdict.OK
    assert judge_resolver(ResolverSettings(("10.0.0.1",), unused=("10.0.0.4",))).verdict is StepVerdict.WARNING


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listening_socket_is_found_with_its_process(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        holder = holder_of(host, port, port_holders())
    assert holder is not None
    assert (holder.address, holder.port, holder.uid, holder.pid) == (host, port, os.geteuid(), os.getpid())


def test_a_wildcard_holds_every_address_of_its_family() -> None:
    holders = (PortHolder("0.0.0.0", 443, 0, "nginx", 7),)
    assert holder_of("192.0.2.1", 443, holders) == holders[0]
    assert holder_of("::1", 443, holders) is None
    assert holder_of("192.0.2.1", 444, holders) is None


NAMED = ListenAddress("127.0.0.1", 3128)
DEFAULT = ListenAddress("127.0.0.1", 3128, named=False)


@pytest.mark.parametrize(
    ("address", "program", "verdict"),
    [
        pytest.param(NAMED, "licensegate", StepVerdict.OK, id="the gate"),
        pytest.param(NAMED, "nginx", StepVerdict.FAILED, id="another program"),
        pytest.param(DEFAULT, "nginx", StepVerdict.WARNING, id="another program on a default port"),
    ],
)
def test_the_holder_of_a_port_is_judged(address: ListenAddress, program: str, verdict: StepVerdict) -> None:
    result = look_at_port(address, (PortHolder("127.0.0.1", 3128, 0, program, 42),), gate_runs=True)
    assert (result.verdict, f"{program} (process 42)" in result.seen) == (verdict, True)


def test_the_gates_own_process_is_preferred_to_others() -> None:
    holders = (PortHolder("::", 3128, 5, "nginx", 7), PortHolder("0.0.0.0", 3128, 8, "licensegate", 42))
    gate = find_gate([NAMED], holders)
    assert (gate.runs, gate.pid, gate.uid) == (True, 42, 8)
    assert not find_gate([NAMED], holders[:1]).runs
