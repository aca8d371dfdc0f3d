"""A client with many connections fills the access log with summaries instead of lines; every connection is counted."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.admin_client import ANY_PORT, ENDED_TOTAL, scrape_until
from support.gate import ANYTHING, COMMAND, Gate, cisco_at
from support.raw_client import ask, break_off, dial, open_tunnel
from support.upstream import Upstream, read_nothing

LINES = 5
MANY = 200
REFUSED = b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"


def limited(port: int) -> str:
    """Settings with few lines per client, and an admin server."""
    return cisco_at(port, more=ANYTHING, admin=ANY_PORT).replace("lines_per_client = 0", f"lines_per_client = {LINES}")


def refuse(gate: Gate) -> None:
    assert ask(gate, REFUSED).outcome == "target_not_allowed"


def leave_in_head(gate: Gate) -> None:
    with dial(gate) as client:
        client.sendall(b"CONNECT ")


def use_a_tunnel(gate: Gate) -> None:
    break_off(open_tunnel(gate))


def connections(records: list[dict[str, Any]]) -> int:
    return sum(record.get("count", 1) for record in records if record["event"] != "start")


def lines_by_second(records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(record["time"][:19] for record in records if record["event"] == "end")


@pytest.mark.parametrize("connect", [refuse, leave_in_head, use_a_tunnel])
def test_many_connections_of_one_client_are_summarised(tmp_path: Path, connect: Any) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, limited(upstream.port)) as gate:
        for _ in range(MANY):
            connect(gate)
        scrape_until(gate, lambda series: series.value(ENDED_TOTAL) == MANY)

    records = gate.records()
    assert connections(records) == MANY
    assert len({record["outcome"] for record in records}) == 1
    seconds = lines_by_second(records)
    assert sum(seconds.values()) <= LINES * (len(seconds) + 1)
    (ended, *_), summaries = records, [record for record in records if record["event"] == "summary"]
    assert all(record.get("target") == ended.get("target") for record in summaries)
    assert sum(record["count"] for record in summaries) >= MANY - LINES * (len(seconds) + 1)


def test_suggest_rules_counts_what_was_summarised(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, limited(upstream.port)) as gate:
        for _ in range(MANY):
            refuse(gate)

    suggested = subprocess.run(
        [COMMAND, "suggest-rules", "--config", gate.settings, tmp_path / "access.jsonl"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert f"evil.example:443, asked for {MANY} times by 1 client" in suggested.stdout
    assert suggested.stderr == ""


def test_refusals_of_one_client_crowd_out_no_tunnel(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream, Gate(tmp_path, limited(upstream.port)) as gate:
        for _ in range(MANY):
            refuse(gate)
        use_a_tunnel(gate)

    assert [record["outcome"] for record in gate.records() if record.get("allowed")] == ["reset_by_client"]
