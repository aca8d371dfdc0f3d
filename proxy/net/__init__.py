"""Sockets, independent of the protocol on them: poller, listener, TLS channel, deadline, options, and their heap."""
