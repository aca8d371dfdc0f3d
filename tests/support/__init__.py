"""What the tests share: a test CA, stand-ins for Cisco's hosts, and a running gate.

Nothing here imports the gate's code: it is met as its users meet it, by its command, its settings file, its answers and
its access log. Only `inner` and `inner_dialer` set parts of it up within a test's own event loop, and `conversations`
and `state_table` those that hold the protocol.
"""

import pytest

pytest.register_assert_rewrite(
    "support.conversations",
    "support.exchange",
    "support.gate",
    "support.inner",
    "support.inner_dialer",
    "support.raw",
    "support.sockets",
    "support.state_table",
)
