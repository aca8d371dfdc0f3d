"""The protocol of one client connection: bytes and events in, commands out. No I/O.

`states` is the table of states, `state_machine` makes its moves, `conversation` reads the client's bytes and returns
`commands`. `request` finds the target, `admission` decides whether this client may have a tunnel to it, `inner_hello`
judges the client's first bytes in the tunnel, `refusals` finds the outcome.

The connections of all clients together: `waiting` and `held_bytes` bound those without a tunnel, `tunnel_counter` those
with one, and `hellos_in_flight` finds loops. `snapshot` is what a connection keeps of the settings in force.
"""
