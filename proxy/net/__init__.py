"""Sockets, independent of the protocol on them: poller, listener, passed sockets, TLS channel, deadline, heap."""
