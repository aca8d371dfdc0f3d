"""The gate as a client of a corporate proxy: reaching a target through a parent proxy that may want a login.

`selector` chooses among the parents and has the signature of a plain dialer; `connect_attempt` asks one parent for one
tunnel, over a `connection`, in the words of `exchange`. `challenges` reads what a 407 offers, `logins` picks the
strongest scheme, and one file per scheme answers: `basic`, `digest`, `ntlm`, `negotiate`. `account` is who the gate is
there, and knows what must not be tried again. Never decides whether a target may be reached: that was decided before.
"""
