"""Sockets, whatever is said on them: poller, listener, TLS channel, deadline, socket options."""
