"""CRC32C, the checksum of a PROXY header (RFC 3720 appendix B.4), over short data: about 0.1 us per byte."""

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78  # of Castagnoli, reversed


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE: Final = tuple(map(_table_entry, range(256)))


def crc32c(data: bytes) -> int:
    """Return the checksum, a number of 32 bits."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum = checksum >> 8 ^ _TABLE[(checksum ^ byte) & 0xFF]
    return checksum ^ 0xFFFFFFFF
