"""docs/diagnosis.md and the scenarios: the page is up to date, and the scenarios name what exists."""

import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.diagnosis.codes import Code
from licensegate.records.finding import Certainty
from support.matrix.scenario import NOTHING, Scenario, all_scenarios

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = all_scenarios()


def test_the_page_shows_the_table_and_the_scenarios() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "diagnosis_page.py"], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")

    assert page == made.stdout, "run: python scripts/diagnosis_page.py > docs/diagnosis.md"


def test_no_two_scenarios_have_one_name() -> None:
    names = [scenario.name for scenario in SCENARIOS]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_expects_findings_and_certainties_that_exist(scenario: Scenario) -> None:
    known = {code.label for code in Code} | {NOTHING}

    assert set(scenario.finding) | set(scenario.before) <= known
    assert set(scenario.certainty) <= set(Certainty)
