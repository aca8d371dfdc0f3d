"""CRC32C beside the published examples and its defining property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.crc32c import crc32c

# RFC 3720 appendix B.4 gives the checksums in the order of their bytes on the wire.
EXAMPLES = {
    "32 zeros": (bytes(32), "aa36918a"),
    "32 bytes of ones": (b"\xff" * 32, "43aba862"),
    "32 rising bytes": (bytes(range(32)), "4e79dd46"),
    "32 falling bytes": (bytes(range(31, -1, -1)), "5cdb3f11"),
    "an iSCSI command": (
        bytes.fromhex("01c00000" + "00" * 12 + "1400000000000400000000140000001828000000000000000200000000000000"),
        "563a96d9",
    ),
    "nothing": (b"", "00000000"),
}


@pytest.mark.parametrize(("data", "checksum"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_published_examples_have_their_checksums(data: bytes, checksum: str) -> None:
    assert crc32c(data).to_bytes(4, "little").hex() == checksum


@given(st.binary(max_size=100))
def test_data_followed_by_its_checksum_leaves_the_known_residue(data: bytes) -> None:
    assert crc32c(data + crc32c(data).to_bytes(4, "little")) == 0x48674BC7


@given(st.binary(min_size=1, max_size=100), st.integers(0), st.integers(1, 255))
def test_a_changed_byte_changes_the_checksum(data: bytes, place: int, change: int) -> None:
    changed = bytearray(data)
    changed[place % len(data)] ^= change

    assert crc32c(bytes(changed)) != crc32c(data)
