"""Recognises a ClientHello that comes back to the gate while its tunnel is open. Pure.

A request that came through a gate names it in its Via. TLS that is passed on untouched, by `dial.connect_to`, NAT or a
DNS override, names no gate, but its hello has a random of 32 bytes that no two hellos share (RFC 8446 section 4.1.2).
"""


class HellosInFlight(set[bytes]):
    """The randoms of the ClientHellos in the gate's open tunnels."""
