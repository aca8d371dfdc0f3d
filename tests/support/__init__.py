"""Shared test code: certificates, servers, clients, running gates, and harnesses for single parts of a gate.

Most do not import the gate's code: they use its command, settings file, responses and access log. The exceptions:

- `*_harness`: one part of a gate in a test's event loop (`tunnel`, `relay`, `dial`, `resolver`), or without one
  (`conversation`)
- `running_gate`: a whole gate in a test's event loop
- `blocking_channel`, `scripted_parent`, `tls_client`: peers of such a part
- `records`, `state_table`, `deadline_owner`, `admin_client`: values from the gate's own tables
"""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))
