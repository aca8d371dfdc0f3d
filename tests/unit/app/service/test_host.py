"""The limit on open files."""

import resource
from collections.abc import Callable

import pytest

from licensegate.app.service import host
from licensegate.proxy.settings import Limits

Limit = tuple[int, int]


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Limit], Callable[[int], int]]:
    """Sets the system's limit. Returns a function that asks for a number of tunnels and returns the new soft limit."""

    def grant(limit: Limit) -> Callable[[int], int]:
        held = [limit]
        monkeypatch.setattr(resource, "getrlimit", lambda _: held[0])
        monkeypatch.setattr(resource, "setrlimit", lambda _, new: held.__setitem__(0, new))

        def call(tunnels: int) -> int:
            host.raise_descriptor_limit(Limits(tunnels=tunnels))
            return held[0][0]

        return call

    return grant


@pytest.mark.parametrize(
    ("limit", "after"),
    [
        pytest.param((1024, 1 << 20), 8960, id="raised to the need"),
        pytest.param((1024, 4096), 4096, id="raised to the hard limit"),
        pytest.param((1024, resource.RLIM_INFINITY), 8960, id="no hard limit"),
        pytest.param((1 << 20, 1 << 20), 1 << 20, id="already enough"),
        pytest.param((resource.RLIM_INFINITY, resource.RLIM_INFINITY), resource.RLIM_INFINITY, id="unlimited"),
    ],
)
def test_the_open_files_limit_is_raised_and_never_lowered(
    granted: Callable[[Limit], Callable[[int], int]], limit: Limit, after: int
) -> None:
    assert granted(limit)(4096) == after


def test_a_low_descriptor_limit_is_logged_with_the_tunnels_it_allows(
    granted: Callable[[Limit], Callable[[int], int]], caplog: pytest.LogCaptureFixture
) -> None:
    call = granted((1024, 4096))
    call(4096)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "4096 open files" in line
    assert "1807 tunnels" in line
    assert "limits.tunnels" in line
    assert "LimitNOFILE" in line

    caplog.clear()
    call(1807)
    assert not caplog.records
