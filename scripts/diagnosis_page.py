"""Print docs/diagnosis.md, made from the table of findings and the scenarios of the tests.

`python scripts/diagnosis_page.py > docs/diagnosis.md` writes it.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from licensegate.diagnosis.codes import Code

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.matrix.scenario import NOTHING, Scenario, all_scenarios
from support.matrix.words import client_in_words

INTRODUCTION = """\
# Why a contact failed

<!-- Made by scripts/diagnosis_page.py from diagnosis/codes.py and tests/diagnosis/scenarios/. -->

A product shows few words for every failure; CUCM has four for those of the network. The gate has seen the attempt, and
says what it was: a *finding*. It stands in the access log ([records.md](records.md)) as `finding`, `certainty` and
`evidence`, in the answer to a refused client, on the admin pages ([monitoring.md](monitoring.md)), and
`licensegate explain` prints it from an access log or from the running gate. The name of a finding never changes its
meaning; new names may be added.

The certainty is *certain* only if the evidence allows nothing else, *likely* if it rarely means anything else, and
*possible* if it is one of several explanations.

Each finding below says what happened, what to change, and what CUCM shows for it ("The requested operation was not
successful due to …"). The scenarios under it are tests: real clients, servers, proxies and networks in which the gate
must come to this finding. *By a look of the gate* means that the gate needs its own look at the target for it, because
the tunnel alone would show only that the client rejected the certificate. *client*, *target*, *listener* and *detail*
stand for the values of these keys in the record.
"""


def page(codes: Iterable[Code], scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Yield the parts of the page, in order."""
    yield INTRODUCTION
    known = list(scenarios)
    for code in codes:
        yield from entry(code, [scenario for scenario in known if code.label in scenario.finding])
    yield "## No finding\n"
    yield table([scenario for scenario in known if NOTHING in scenario.finding], NOTHING)


def entry(code: Code, scenarios: list[Scenario]) -> Iterator[str]:
    """Yield the entry of one finding."""
    yield f"## {code.label}\n"
    if code.sentence:
        yield f"{filled(code.sentence)}\n"
        yield f"- To do: {filled(code.remedy)}"
    else:
        links = ", ".join(f"[{outcome.label}](outcomes.md#{outcome.label})" for outcome in code.outcomes)
        yield f"Sentence and remedy are those of the outcome: {links}.\n"
    yield f"- CUCM shows: {' or '.join(code.cucm) or 'nothing'}."
    yield f"- Certainty: {code.certainty}, unless the table says otherwise.\n"
    if scenarios:
        yield table(scenarios, code.label)
    else:
        yield "No scenario with real parts.\n"


def table(scenarios: list[Scenario], label: str) -> str:
    """Return the scenarios of one finding as a table."""
    lines = ["| scenario | clients | certainty |", "|---|---|---|"]
    for scenario in scenarios:
        clients = ", ".join(dict.fromkeys(map(client_in_words, scenario.clients)))
        lines.append(f"| {scenario.words} | {clients} | {how_sure(scenario, label)} |")
    return "\n".join(lines) + "\n"


def how_sure(scenario: Scenario, label: str) -> str:
    """Return the certainty that the tests accept, and what else they do."""
    sure = " or ".join(scenario.certainty) or "-"
    look = ", by a look of the gate" if scenario.look else ""
    others = [f"`{other}`" if other != NOTHING else "nothing" for other in scenario.finding if other != label]
    return f"{sure}{look}" + (f"; or {', '.join(others)}" if others else "")


def filled(template: str) -> str:
    """Return the template with each placeholder replaced by its name in italics."""
    return re.sub(r"\{(\w+)\}", r"*\1*", template)


if __name__ == "__main__":
    print("\n".join(page(Code, all_scenarios())), end="")
