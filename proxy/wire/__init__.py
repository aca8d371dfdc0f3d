"""Bytes in, values out: the formats spoken on a client connection. No I/O, no state beyond one message."""
