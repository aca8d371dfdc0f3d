"""The two sockets of one connection: carry out the conversation's commands, relay, linger, record.

`tunnel` owns the sockets, `relay` joins two `flow`s, `linger` ends a connection so that the peer can read what it was
sent. `context` is what all tunnels of a gate share; `probe` is a dial without a tunnel.
"""
