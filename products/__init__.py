"""Asks products what they know of their licences: CUCM's publisher, by AXL, a few times a day. Opt-in, and read-only.

`request` and `answer` are what is sent and read, `schedule` says when; none of them does I/O. `client` sends one
request, `poller` keeps the products, one request at a time, and `by_hand` asks one now.
"""
