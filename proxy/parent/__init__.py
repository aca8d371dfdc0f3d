"""The gate as a client of a corporate proxy: reaching a target through a parent proxy that may want a login.

`selector` chooses among the parents and has the signature of a plain dialer; `connect_attempt` asks one parent for one
tunnel, over a `connection`. `protocol/` holds what is said there, without I/O; `logins` picks the strongest scheme, and
`negotiate` gets its `tickets` from a KDC. `account` holds the login, and knows which password must not be tried again.
Never decides whether a target may be reached: that was decided before.
"""
