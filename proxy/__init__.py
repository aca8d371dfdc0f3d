"""One client connection, from accept to record.

The route of a CONNECT: `net/listener` accepts, `tunnel` reads, `protocol/conversation` (with `wire/http1`, `auth` and
the allowlist) says dial, `dial/dialer` or `parent/selector` connects, `conversation` says 200 and judges the tunnel's
first bytes, `tunnel/relay` moves the rest, and the gate hands the record to the observers.

`wire`, `auth` and `protocol` hold the protocol and know no socket; the other rooms move bytes and decide nothing.
"""
