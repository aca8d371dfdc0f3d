"""What happened on a client connection: the ground that every other room stands on. Imports nothing of ours.

`outcome` is the one table of how a connection can end, `record` what is written down about one connection, `secret`
holds what must never be printed.
"""
