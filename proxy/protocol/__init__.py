"""The protocol of one client connection: bytes and events in, commands out. No I/O.

`states` is the table of states, `state_machine` makes its moves, `conversation` reads the client's bytes and returns
`commands`. `request` finds the target, `admission` decides whether this client may have a tunnel to it, `inner_hello`
judges the client's first bytes in the tunnel, `refusals` finds the outcome.
"""
