"""The workflows for GitHub call the commands that a developer calls, and ask for no rights."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z]+): ##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def _read(file: Path) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return workflow


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflow_calls_make_targets_that_exist(file: Path) -> None:
    steps = [step for job in _read(file)["jobs"].values() for step in job["steps"] if "run" in step]
    called = [target for step in steps for target in re.findall(r"(?:^|&& )make (\w+)", step["run"])]

    assert {"lint", "test"} <= set(called) <= set(TARGETS)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflow_may_only_read_the_repository(file: Path) -> None:
    workflow = _read(file)

    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_has_a_version(file: Path) -> None:
    steps = [step for job in _read(file)["jobs"].values() for step in job["steps"] if "uses" in step]

    pinned = re.compile(r"[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})")

    assert steps
    assert [step["uses"] for step in steps if not pinned.fullmatch(step["uses"])] == []
