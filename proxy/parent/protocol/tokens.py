"""Names the token of a Negotiate or NTLM challenge by its first bytes, for error messages. No I/O."""

from typing import Final

_NTLM: Final = b"NTLMSSP\0"  # [MS-NLMP] section 2.2
_NTLM_MESSAGES: Final = {1: "negotiate", 2: "challenge", 3: "authenticate"}
_INITIAL, _RESPONSE, _KERBEROS_REPLY = 0x60, 0xA1, 0x6F  # RFC 2743 section 3.1, RFC 4178 section 4.2, RFC 4120
_MECHANISMS: Final = {
    bytes.fromhex("06062b0601050502"): "SPNEGO",
    bytes.fromhex("06092a864886f712010202"): "Kerberos",
    bytes.fromhex("060a2b06010401823702020a"): "NTLM in a GSSAPI wrapper",
}
_WRAPPER_BYTES: Final = 8  # a tag and its length come before the mechanism

NTLM_CHALLENGE: Final = "NTLM's challenge message"


def describe_token(token: bytes) -> str:
    """What the token is, such as "a token of SPNEGO"."""
    if token.startswith(_NTLM):
        message = int.from_bytes(token[8:12], "little")
        name = _NTLM_MESSAGES.get(message)
        return f"NTLM's {name} message" if name else f"an NTLM message of the unknown type {message}"
    if not token:
        return "empty"
    if token[0] == _RESPONSE:
        return "a token of SPNEGO"
    if token[0] == _KERBEROS_REPLY:
        return "a token of Kerberos"
    if token[0] == _INITIAL:
        for mechanism, name in _MECHANISMS.items():
            if mechanism in token[: _WRAPPER_BYTES + len(mechanism)]:
                return f"a token of {name}"
    return f"{len(token)} bytes of no known kind"
