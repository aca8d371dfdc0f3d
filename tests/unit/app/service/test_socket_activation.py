"""The variables of sd_listen_fds(3)."""

import os

import pytest

from licensegate.app.service.socket_activation import activated_sockets
from support.sockets import descriptors


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="no service manager"),
        pytest.param({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, id="another process"),
        pytest.param({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"}, id="no number"),
        pytest.param({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0", "LISTEN_FDNAMES": ""}, id="no sockets"),
    ],
)
def test_without_sockets_for_this_process_nothing_is_taken(environ: dict[str, str]) -> None:
    before, given = descriptors(), environ | {"HOME": "/"}

    assert activated_sockets(given).lasting == []
    assert given == {"HOME": "/"}
    assert descriptors() == before
