"""Parsers and writers of the formats on a client connection: bytes in, values out. No I/O."""
