"""The two sockets of one connection: read, carry out the conversation's commands, relay, linger, record.

`tunnel` owns the sockets, `relay` joins two `flow`s, `linger` gives the peer time to read what it was sent. All tunnels
of a gate share a `context` with its `deadlines` and `password_checks`; `probe` is a dial without a tunnel.
"""
