"""What `licensegate check` warns about limits."""

from pathlib import Path

import pytest

from licensegate.app.commands import check_limits
from licensegate.app.settings import load
from support.logins import write_user_files

AUTH = "[auth]\nhtpasswd = 'users.htpasswd'\n"
UNUSED = "limits.tunnels_per_user_per_second has no effect: no client can log in"


def warned(folder: Path, text: str) -> list[str]:
    write_user_files(folder)
    path = folder / "gate.toml"
    path.write_text(text)
    return list(check_limits.warnings(load(path, {})))


DOUBTFUL = {
    "a lifetime of seconds": (
        "[limits]\nlifetime_seconds = 5",
        (
            "limits.lifetime_seconds = 5 ends tunnels in which an answer is awaited; use at least a minute, or 0 for "
            "no limit"
        ),
    ),
    "a rate per hour": (
        "[limits]\nconnections_per_client_per_second = 0.002",
        "limits.connections_per_client_per_second = 0.002 allows one in 500 s after a burst; use a number per second",
    ),
    "a user's rate per hour": (
        f"{AUTH}[limits]\ntunnels_per_user_per_second = 0.001",
        "limits.tunnels_per_user_per_second = 0.001 allows one in 1000 s after a burst; use a number per second",
    ),
    "a burst that no login fits in": (
        f"{AUTH}[limits]\nconnections_per_client_per_second = 1\nburst = 1",
        "limits.burst = 1 refuses the second connection of a client that is asked to log in; use at least 2, better 10",
    ),
    "a burst without a rate": (
        "[limits]\nburst = 5",
        (
            "limits.burst has no effect; set limits.connections_per_client_per_second or "
            "limits.tunnels_per_user_per_second with it"
        ),
    ),
    "users without logins": ("[limits]\ntunnels_per_user_per_second = 1", UNUSED),
}


@pytest.mark.parametrize(("text", "warning"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_doubtful_limit_is_pointed_out(tmp_path: Path, text: str, warning: str) -> None:
    assert warned(tmp_path, text) == [warning]


@pytest.mark.parametrize(
    "limits",
    [
        "",
        "lifetime_seconds = 60",
        "connections_per_client_per_second = 1",
        "connections_per_client_per_second = 2\nburst = 1",
        "tunnels_per_user_per_second = 0.02\nburst = 1",
    ],
)
def test_sensible_limits_cause_no_warning(tmp_path: Path, limits: str) -> None:
    assert warned(tmp_path, f"{AUTH}[limits]\n{limits}") == []
