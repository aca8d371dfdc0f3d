"""Sockets, independent of the protocol on them: poller and loop, listener, passed sockets, TLS, deadline, heap."""
