"""The token (RFC 9110 section 5.6.2), of which HTTP makes methods, field names, schemes and parameters."""

import re
from typing import Final

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
"""A pattern, to be part of others; it never gives back what it took, since nothing that follows a token is in one."""

TOKEN_BYTES: Final = frozenset(byte for byte in range(256) if re.fullmatch(TOKEN, bytes((byte,))))
