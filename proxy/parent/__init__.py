"""The gate as a client of corporate proxies: CONNECT to a target through a parent proxy that may want a login.

`selector` chooses the parents for a tunnel, with the interface of a plain dialer; `parent_dial` tries them in turn.
`connect_attempt` asks one parent for one tunnel over a `connection`. `protocol/` holds requests, responses and login
schemes without I/O; `logins` picks the strongest scheme, and `negotiate` gets its `tickets` from a KDC. `account`
holds the credentials and remembers a refused password. The allowlist has been checked before any of this runs.
"""
