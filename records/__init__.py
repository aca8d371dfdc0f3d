"""What happened on a client connection. Every other folder but `language` may import this one; it imports none of
them but that.

`outcome` is the table of how a connection can end, `record` the record of one connection, `log_reader` reads records
back from an access log, `text` makes untrusted bytes printable, `secret` keeps a value out of every
repr, and `bounded` is a dictionary that clients cannot fill.
"""
