"""What the tests share: a test CA, stand-ins for Cisco's hosts, and a running gate.

Nothing here imports the gate's code: it is met as its users meet it, by its command, its settings file, its answers and
its access log. Only `inner` and its kin (`inner_dialer`, `relaying`, `running`, `secure`) set parts of it up within a
test's own event loop, `channel` one of them without a loop, `conversations` and `state_table` those that hold the
protocol, and `records` what a gate writes down.
"""

import pytest

pytest.register_assert_rewrite(
    "support.attacks",
    "support.conversations",
    "support.exchange",
    "support.gate",
    "support.inner",
    "support.inner_dialer",
    "support.raw_client",
    "support.relaying",
    "support.running",
    "support.secure",
    "support.sockets",
    "support.state_table",
    "support.watching",
)
