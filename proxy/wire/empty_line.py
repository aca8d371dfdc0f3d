"""The empty line that some clients send before their first byte: before a request, or before TLS in their tunnel.

RFC 9112 section 2.2 has servers skip at least one before a request; cpprestsdk sends one behind the head of a CONNECT.
"""


def empty_line_size(received: bytes) -> int:
    """Return the length of the empty line (CRLF, or a bare LF) that `received` starts with; 0 if there is none."""
    if received.startswith(b"\r\n"):
        return 2
    return 1 if received.startswith(b"\n") else 0
