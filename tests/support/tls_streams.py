"""TLS records and messages of servers and clients, made up byte by byte."""

from licensegate.proxy.wire.tls_exchange import ClientRecords, TargetRecords, TlsExchange, contact_of
from licensegate.records.contact import Contact
from support.client_hellos import extension, vector

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

CCS = bytes.fromhex("140303000101")


def record(kind: int, payload: bytes, version: bytes = b"\x03\x03") -> bytes:
    return bytes((kind,)) + version + len(payload).to_bytes(2, "big") + payload


def data(*lengths: int) -> bytes:
    """Records of application data's type, of these lengths."""
    return b"".join(record(APPLICATION_DATA, bytes(length)) for length in lengths)


def sealed(*lengths: int) -> bytes:
    """Encrypted handshake records of TLS 1.2."""
    return b"".join(record(HANDSHAKE, bytes(length)) for length in lengths)


def alert(description: int, level: int = 2) -> bytes:
    return record(ALERT, bytes((level, description)))


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def server_hello(chosen: int = 0x0303, random: bytes = bytes(32), *extensions: bytes, session_id: bytes = b"") -> bytes:
    """A ServerHello of this version; 1.3 stands in an extension."""
    if chosen == 0x0304:
        extensions = (*extensions, extension(43, b"\x03\x04"))
    body = min(chosen, 0x0303).to_bytes(2, "big") + random + vector(session_id, 1) + b"\x13\x02\x00"
    return message(2, body + (vector(b"".join(extensions)) if extensions else b""))


def certificate(*entries: bytes) -> bytes:
    """A Certificate message up to TLS 1.2."""
    return message(11, vector(b"".join(vector(entry, 3) for entry in entries), 3))


class TlsTunnel:
    """Both directions of a tunnel, fed in order. `known` are the target's tickets."""

    def __init__(self, known: frozenset[int] | None = None, *, alpn: tuple[str, ...] = ()) -> None:
        self.exchange = TlsExchange("h2" in alpn)
        self.exchange.known_tickets = known
        self.client = ClientRecords(exchange=self.exchange)
        self.target = TargetRecords(exchange=self.exchange)

    def feed(self, *story: tuple[str, bytes], split: int = 0) -> "TlsTunnel":
        """Feed what client ("c") and target ("t") send, in pieces of `split` bytes; "end" is the target's end."""
        for who, sent in story:
            if who == "end":
                self.exchange.target_ended = True
                continue
            records = self.client if who == "c" else self.target
            size = split or len(sent) or 1
            for start in range(0, len(sent), size):
                if not records.see(memoryview(sent)[start : start + size]):
                    break
        return self

    @property
    def contact(self) -> Contact:
        return contact_of(self.client, self.target)
