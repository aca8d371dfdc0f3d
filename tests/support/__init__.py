"""What the tests share: a test CA, stand-ins for Cisco's hosts, and a running gate.

Most modules never import the gate's code: they use its command, its settings file, its answers and its access log.
Exceptions: `inner`, `inner_dialer`, `relaying`, `running` and `secure` run parts of the gate in a test's event loop,
`channel` drives a TLS channel without a loop, `conversations` and `state_table` drive the protocol, and `records` makes
records.
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
