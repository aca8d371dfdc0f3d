"""The gate in a container as in the compose file: read-only, unprivileged, process 1, on port 443."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.authority import Authority
from support.container import Container
from support.image import Image
from support.licensing_exchange import TARGET
from support.namespace_clients import LISTENING, PAGE, curl, get_through, stand_in, tunnel

pytestmark = pytest.mark.timeout(600)

LAB = {"LICENSEGATE__DIAL__CONNECT_TO": f"{TARGET}:{LISTENING}"}


@pytest.fixture
def state(image: Image, tmp_path: Path) -> Path:
    """A new volume as an engine makes it: a copy of the image's folder."""
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
        running.await_line("ready")
        yield running


def test_every_command_works_as_the_containers_user(container: Container) -> None:
    container.execute("mkdir", "other")
    output = {}
    for command in (
        "version",
        "check",
        f"test-rule 10.1.2.3 {TARGET}",
        "cert show",
        "cert make --out other",
        "cert check other/gate.pem other/gate.key",
        "suggest-rules /dev/null",
        "reload",
        "health",
        "health readyz",
    ):
        done = container.execute("licensegate", *command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"
        output[command] = done.stdout

    assert "settings from /etc/licensegate/licensegate.toml" in container.log
    assert "/var/lib/licensegate" in output["cert show"]
    container.await_line("reload requested by uid 10001")


def test_it_has_no_privilege_and_can_write_only_to_its_state(container: Container) -> None:
    probe = "import os, sys; print(os.getuid(), [p for p in sys.argv[1:] if os.access(p, os.W_OK)])"
    status = container.execute("cat", "/proc/1/status").stdout
    folders = ["/", "/etc/licensegate", "/opt/licensegate", "/tmp", "/var/tmp", "/var/lib/licensegate"]

    assert container.execute("python3", "-c", probe, *folders).stdout == "10001 ['/var/lib/licensegate']\n"
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_goes_through_port_443(container: Container, authority: Authority, scheme: str) -> None:
    with stand_in(container.inside(), authority):
        done = get_through(container.inside(), f"{scheme}://127.0.0.1:443", authority)

    assert PAGE in done.stdout, done.stderr


def test_the_health_check_passes(image: Image, container: Container) -> None:
    kind, *command = image.config["Healthcheck"]["Test"]

    assert kind == "CMD"
    assert container.execute(*command).returncode == 0


def test_metrics_are_served_on_the_published_port(container: Container) -> None:
    done = curl(container.inside(), "http://127.0.0.1:9130/metrics")

    assert "licensegate_build_info" in done.stdout, done.stderr


def test_without_permission_for_low_ports_the_others_are_served(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image, service | {"sysctls": []}, bundle, state, LAB) as running:
        ready = running.await_line("ready")

    assert "0.0.0.0:3128" in ready
    assert "0.0.0.0:8080" in ready
    assert ":443" not in ready
    assert "net.ipv4.ip_unprivileged_port_start" in running.log


def test_an_open_tunnel_can_end_during_a_stop(container: Container, authority: Authority) -> None:
    inside = container.inside()
    with stand_in(inside, authority), tunnel(inside, "127.0.0.1:443", authority) as client:
        container.signal("TERM")
        container.await_line("1 connections open, draining")
        page, _ = client.communicate("GET / HTTP/1.0\r\n\r\n")

    assert PAGE in page
    assert container.await_end() == 0
    assert "0 tunnels were cut" in container.log
    (record,) = map(json.loads, container.stdout.read_text().splitlines())
    assert (record["target"], record["client"]) == (TARGET, "127.0.0.1")


def test_the_certificate_is_kept_in_the_volume(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    fingerprints = []
    for name in ("first", "second"):
        bundle = tmp_path / name
        bundle.mkdir()
        with Container(image, service, bundle, state) as running:
            running.await_line("ready")
            fingerprints.append(running.await_line("SHA-256").partition("SHA-256")[2])

    assert fingerprints[0] == fingerprints[1]


def test_a_user_of_the_platforms_choice_keeps_the_state_by_group_0(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image, service | {"user": "1000660000:0"}, bundle, state) as running:
        running.await_line("ready")
    assert "/var/lib/licensegate/gate.pem" in running.log
    assert (state / "gate.key").stat().st_uid == 1000660000


def test_a_user_without_rights_to_the_state_is_served_without_it(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image, service | {"user": "12345:12345"}, bundle, state) as running:
        running.await_line("ready")
    assert (
        "uid 12345 cannot write to /var/lib/licensegate; the gate makes a certificate for this run only" in running.log
    )
    assert list(state.iterdir()) == []


def test_the_mounted_file_can_turn_the_admin_server_off(
    image: Image, service: dict[str, Any], tmp_path: Path, state: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (state / "gate.toml").write_text('[admin]\nlisten = ""\n')
    file = {"LICENSEGATE_CONFIG": "/var/lib/licensegate/gate.toml"}
    with Container(image, service, bundle, state, file) as running:
        running.await_line("ready")
        assert curl(running.inside(), "http://127.0.0.1:9130/healthz").returncode != 0
