"""The gate in a container as the compose file has it: read-only, without a privilege, its first process, on port 443."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.authority import Authority
from support.clients import run
from support.container import Container
from support.exchange import HOST, TARGET
from support.image import Image
from support.parts import require_command

pytestmark = pytest.mark.timeout(600)

INSIDE = "127.0.0.1:9443"
LAB = {"LICENSEGATE__DIAL__CONNECT_TO": f"{TARGET}:{INSIDE}"}
GATE = "127.0.0.1:443"


@pytest.fixture
def state(image: Image, tmp_path: Path) -> Path:
    """What an engine makes of a new volume: a copy of what the image has there."""
    (volume,) = image.config["Volumes"]
    kept = image.root / volume.lstrip("/")
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copystat(kept, folder)
    os.chown(folder, kept.stat().st_uid, kept.stat().st_gid)
    return folder


@pytest.fixture
def container(image: Image, service: dict[str, Any], tmp_path: Path, state: Path) -> Iterator[Container]:
    """The gate, serving."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image, service, bundle, state, LAB) as running:
        running.await_words("ready")
        yield running


@contextmanager
def cisco(container: Container, authority: Authority) -> Iterator[None]:
    """A stand-in in the container's network; it answers any request with a page of its own."""
    leaf = authority.issue(HOST)
    server = [require_command("openssl", "openssl"), "s_server", "-accept", INSIDE, "-www"]
    with subprocess.Popen(
        [*container.inside(), *server, "-cert", leaf.chain, "-key", leaf.key], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "ACCEPT" not in process.stdout.readline():
            assert process.poll() is None
        yield
        process.kill()


def test_every_command_works_as_its_user(container: Container) -> None:
    said = {}
    for command in (
        "version",
        "check",
        f"test-rule 10.1.2.3 {TARGET}",
        "cert show",
        "cert make --out /var/lib/licensegate/other",
        "suggest-rules /dev/null",
        "reload",
        "health",
        "health readyz",
    ):
        done = container.execute("licensegate", *command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"
        said[command] = done.stdout

    assert "settings from /etc/licensegate/licensegate.toml" in container.said
    assert "/var/lib/licensegate" in said["cert show"]
    container.await_words("reload asked for by uid 10001")


def test_it_has_no_privilege_and_can_write_to_its_state_alone(container: Container) -> None:
    probe = "import os, sys; print(os.getuid(), [p for p in sys.argv[1:] if os.access(p, os.W_OK)])"
    status = container.execute("cat", "/proc/1/status").stdout
    folders = ["/", "/etc/licensegate", "/opt/licensegate", "/tmp", "/var/tmp", "/var/lib/licensegate"]

    assert container.execute("python3", "-c", probe, *folders).stdout == "10001 ['/var/lib/licensegate']\n"
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_goes_through_port_443(container: Container, authority: Authority, scheme: str) -> None:
    curl = [require_command("curl", "curl"), "--silent", "--show-error", "--cacert", authority.root]
    proxy = ["--proxy", f"{scheme}://{GATE}", "--proxy-insecure"]
    with cisco(container, authority):
        done = run(*container.inside(), *curl, *proxy, f"https://{HOST}/")

    assert "s_server" in done.stdout, done.stderr


def test_its_own_check_finds_it_healthy(image: Image, container: Container) -> None:
    kind, *command = image.config["Healthcheck"]["Test"]

    assert kind == "CMD"
    assert container.execute(*command).returncode == 0


def test_it_is_scraped_through_its_published_port(container: Container) -> None:
    curl = [require_command("curl", "curl"), "--silent", "--show-error", "--fail"]
    done = run(*container.inside(), *curl, "http://127.0.0.1:9130/metrics")

    assert "licensegate_build_info" in done.stdout, done.stderr


def test_without_leave_for_low_ports_it_says_so_and_serves_the_others(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image, service | {"sysctls": {}}, bundle, state, LAB) as running:
        ready = running.await_words("ready")

    assert "0.0.0.0:3128" in ready
    assert "0.0.0.0:8080" in ready
    assert ":443" not in ready
    assert "net.ipv4.ip_unprivileged_port_start" in running.said


def test_a_stop_lets_an_open_tunnel_end_and_the_first_process_ends_well(
    container: Container, authority: Authority
) -> None:
    client = [require_command("openssl", "openssl"), "s_client", "-quiet", "-proxy", GATE, "-connect", TARGET]
    with (
        cisco(container, authority),
        subprocess.Popen(
            [*container.inside(), *client, "-CAfile", authority.root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        while "verify return" not in process.stderr.readline():
            assert process.poll() is None
        container.signal("TERM")
        container.await_words("1 connections open, draining")
        page, _ = process.communicate("GET / HTTP/1.0\r\n\r\n")

    assert "s_server" in page
    assert container.await_end() == 0
    assert "0 tunnels were cut" in container.said
    (record,) = map(json.loads, container.stdout.read_text().splitlines())
    assert (record["target"], record["client"]) == (TARGET, "127.0.0.1")


def test_its_certificate_outlives_it_in_the_volume(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    fingerprints = []
    for name in ("first", "second"):
        bundle = tmp_path / name
        bundle.mkdir()
        with Container(image, service, bundle, state) as running:
            running.await_words("ready")
            fingerprints.append(running.await_words("SHA-256").partition("SHA-256")[2])

    assert fingerprints[0] == fingerprints[1]
