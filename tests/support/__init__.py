"""What the tests share: a test CA, stand-ins for Cisco's hosts, and a running gate.

Nothing here but `inner` imports the gate's code: it is met as its users meet it, by its command, its settings file, its
answers and its access log. `inner` sets parts of it up within a test's own event loop.
"""

import pytest

pytest.register_assert_rewrite("support.exchange", "support.gate", "support.inner", "support.raw", "support.sockets")
