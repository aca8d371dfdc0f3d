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
            host.limits_within_descriptors(Limits(tunnels=tunnels))
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


def test_a_low_descriptor_limit_lowers_the_tunnels_and_says_so(
    granted: Callable[[Limit], Callable[[int], int]], caplog: pytest.LogCaptureFixture
) -> None:
    granted((1024, 4096))

    assert host.limits_within_descriptors(Limits(tunnels=4096, head_bytes=999)) == Limits(tunnels=1807, head_bytes=999)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "4096 open files are allowed, enough for 1807 tunnels" in line
    assert "limits.tunnels = 4096" in line
    assert "LimitNOFILE" in line

    caplog.clear()
    assert host.limits_within_descriptors(Limits(tunnels=1807)) == Limits(tunnels=1807)
    assert not caplog.records


@pytest.mark.parametrize("limit", [(64, 64), (256, 256), (1023, 1023), (1024, 1024)], ids=str)
def test_few_tunnels_need_no_warning_where_few_descriptors_do(
    granted: Callable[[Limit], Callable[[int], int]], limit: Limit, caplog: pytest.LogCaptureFixture
) -> None:
    granted(limit)

    assert host.limits_within_descriptors(Limits(tunnels=10)) == Limits(tunnels=10)
    assert not caplog.records
