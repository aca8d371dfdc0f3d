"""Sockets, independent of the protocol on them: poller, event loop, listener, passed sockets, TLS channel, deadline, heap."""
