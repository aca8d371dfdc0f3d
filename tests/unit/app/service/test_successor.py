"""Which gates another process can replace."""

import pytest

from licensegate.app.service.successor import why_not_replaceable


@pytest.mark.parametrize(
    ("pid", "parent", "first", "said"),
    [
        pytest.param(1, 0, "licensegate", "this gate is the first process of its container", id="first process"),
        pytest.param(7, 1, "docker-init", "docker-init ends the container", id="child of a container's init"),
        pytest.param(7, 1, "systemd", "", id="child of systemd"),
        pytest.param(7, 6, "tini", "", id="child of a shell"),
        pytest.param(7, 1, "", "", id="hidden first process"),
    ],
)
def test_a_containers_main_process_cannot_be_replaced(pid: int, parent: int, first: str, said: str) -> None:
    assert why_not_replaceable(pid, parent, first).partition(",")[0].startswith(said)
    assert bool(why_not_replaceable(pid, parent, first)) == bool(said)
