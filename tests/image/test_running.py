"""The ways to start the image beside docker compose: the docker command of the page, and podman-compose."""

import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.image import ROOT
from support.operations_page import commands_under
from support.programs import run
from support.requirements import require_command

RUN_WITH_DOCKER = commands_under("In a container")[0]


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A stand-in for docker or podman that writes its arguments to `calls` beside it, one call a line."""
    program = tmp_path / "engine"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\t" "$@" >>{tmp_path}/calls\necho >>{tmp_path}/calls\n'
        'if [ "$1" = --version ]; then echo podman version 4.3.1; fi\n'
    )
    program.chmod(0o755)
    return program


def start(engine: Path) -> list[str]:
    """The arguments of the call that starts the container."""
    calls = [line.rstrip("\t").split("\t") for line in engine.with_name("calls").read_text().splitlines()]
    (found,) = (call for call in calls if "licensegate:latest" in call)
    return found


def values(arguments: Sequence[str], *names: str) -> list[str]:
    """The values of an option under any of its names."""
    return [value for name, value in pairwise(arguments) if name in names]


def assert_hardened(arguments: Sequence[str], service: Mapping[str, Any]) -> None:
    assert "--read-only" in arguments
    assert values(arguments, "--cap-drop") == service["cap_drop"]
    assert [value.removesuffix(":true") for value in values(arguments, "--security-opt")] == ["no-new-privileges"]
    assert values(arguments, "--sysctl") == service["sysctls"]
    assert values(arguments, "--ulimit") == [f"nofile={service['ulimits']['nofile']}"]


def test_podman_compose_starts_it_as_the_compose_file_says(engine: Path, service: dict[str, Any]) -> None:
    command = require_command("podman-compose", "podman-compose")
    done = run(command, "--podman-path", engine, "--file", ROOT / "deploy/compose.yaml", "up", "--detach")

    assert done.returncode == 0, done.stderr
    arguments = start(engine)
    assert_hardened(arguments, service)
    assert values(arguments, "-p", "--publish") == service["ports"]
    (volume,) = values(arguments, "-v", "--volume")
    assert volume.endswith(f"_{service['volumes'][0]}")


def test_the_docker_command_of_the_page_sets_what_compose_sets(
    engine: Path, service: dict[str, Any], tmp_path: Path
) -> None:
    checkout = checkout_with_example(tmp_path)
    run_page(engine, checkout)

    arguments = start(engine)
    assert_hardened(arguments, service)
    inner_ports = [port.rpartition(":")[2] for port in values(arguments, "--publish")]
    assert inner_ports == [port.rpartition(":")[2] for port in service["ports"]]
    assert f"{values(arguments, '--stop-timeout')[0]}s" == service["stop_grace_period"]
    options = service["logging"]["options"]
    assert values(arguments, "--log-opt") == [f"{name}={value}" for name, value in options.items()]


def test_the_page_makes_the_settings_folder_that_it_mounts(engine: Path, tmp_path: Path) -> None:
    checkout = checkout_with_example(tmp_path)
    run_page(engine, checkout)

    state, settings = (value.split(":") for value in values(start(engine), "--volume"))
    assert state == ["licensegate-state", "/var/lib/licensegate"]
    assert settings == [str(checkout / "settings"), "/etc/licensegate", "ro"]
    assert (checkout / "settings").stat().st_mode & 0o5 == 0o5  # of any user, such as the image's 10001
    assert (checkout / "settings/licensegate.toml").stat().st_mode & 0o4


def test_the_page_keeps_settings_that_are_there(engine: Path, tmp_path: Path) -> None:
    checkout = checkout_with_example(tmp_path)
    run_page(engine, checkout)
    file = checkout / "settings/licensegate.toml"
    file.write_text("# mine\n")
    run_page(engine, checkout)

    assert file.read_text() == "# mine\n"


def checkout_with_example(folder: Path) -> Path:
    """A folder with the one file of the checkout that the page's commands read."""
    example = folder / "checkout/docs/licensegate.example.toml"
    example.parent.mkdir(parents=True)
    shutil.copy(ROOT / "docs/licensegate.example.toml", example)
    return folder / "checkout"


def run_page(engine: Path, checkout: Path) -> None:
    """Run the page's commands in this folder, with the stand-in as docker."""
    done = run("sh", "-ec", f'docker() {{ "{engine}" "$@"; }}\ncd {checkout}\n{RUN_WITH_DOCKER}')
    assert done.returncode == 0, done.stderr
