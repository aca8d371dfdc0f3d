"""One client connection, from accept to record.

The route of a CONNECT: `listener` accepts → `tunnel` reads → `conversation` (`wire.http1`, `auth`, the allowlist) says
dial → `dialer` (`resolver`) → `conversation` says 200 → relay → `record` → observers.

`conversation` and everything below it (`wire`, `auth`, `outcome`, `record`) hold the protocol and know no socket;
`poller`, `listener`, `dialer` and `tunnel` move bytes and decide nothing.
"""
