"""One client connection, from accept to record.

The route of a CONNECT: `listener` accepts → `tunnel` reads → `conversation` (`wire.first_bytes`, the client's network,
`wire.http1`, `admission`) says dial → `dialer` (`resolver`), or `parent` in its place → `conversation` says 200 and
reads the tunnel's first bytes (`inner_hello`) → `relay` → `record` → observers.

`conversation` and everything below it (`admission`, `auth`, `wire`, `states`, `commands`, `outcome`, `record`) hold the
protocol and know no socket; `poller`, `listener`, `dialer`, `tunnel` and `relay` move bytes and decide nothing.
"""
