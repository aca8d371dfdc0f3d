"""What is said on one client connection and what follows from it: bytes and events in, commands out. No I/O.

`conversation` makes the moves of the table in `states` and returns `commands`. `admission` decides whether this client
may have a tunnel to that target, `inner_hello` judges the tunnel's first bytes, `refusals` finds the outcome.
"""
