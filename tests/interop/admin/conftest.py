"""A gate with an admin server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin_client import ANY_PORT
from support.gate import Gate, gate_settings
from support.licensing_exchange import REFUSING_HOST, TARGET
from support.standin import StandIn
from support.upstream import closed_port


@pytest.fixture
def watched(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate with an admin server. Its targets: the stand-in, one that refuses, and one that does not resolve."""
    places = (f"{TARGET}:127.0.0.1:{standin.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
    with Gate(tmp_path, gate_settings(*places, admin=ANY_PORT)) as gate:
        yield gate
