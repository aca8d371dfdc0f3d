"""Sockets, and nothing about what is said on them: poller, listener, TLS channel, deadlines, socket options."""
