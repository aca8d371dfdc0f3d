"""HTTP's token (RFC 9110 section 5.6.2): methods, field names, schemes and parameter names."""

import re
from typing import Final

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""A pattern for use in others. Linear without a possessive quantifier, as what follows a token is no part of one."""

TOKEN_BYTES: Final = frozenset(byte for byte in range(256) if re.fullmatch(TOKEN, bytes((byte,))))
