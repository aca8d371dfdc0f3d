"""One client connection, from accept to record.

The route of a CONNECT: `listener` accepts → `tunnel` reads → `conversation` (`wire.first_bytes`, `wire.http1`, the
client's network, the allowlist) says dial → `dialer` (`resolver`) → `conversation` says 200 and reads the tunnel's
first bytes (`inner_hello`) → `relay` → `record` → observers.

`conversation` and everything below it (`wire`, `auth`, `states`, `commands`, `outcome`, `record`) hold the protocol and
know no socket; `poller`, `listener`, `dialer`, `tunnel` and `relay` move bytes and decide nothing.
"""
