"""One side of a TLS connection without a socket: ciphertext and plaintext in and out.

The layer is the server for a client, or the client of a parent proxy. The owner of the socket feeds it everything that
the peer sends, and sends what `take_ciphertext` returns after every call. Each direction ends by itself (RFC 8446
section 6.1): after a close_notify one way, data still flows the other.
"""

import errno
import re
import ssl
import sys
from typing import Final, TypeAlias

from licensegate.records.text import printable

_ALERT: Final = re.compile(r"(?:SSLV3_ALERT|TLSV1(?:_ALERT)?|TLSV13_ALERT)_(\w+)")
"""OpenSSL's reasons that are an alert of the peer. Those of extensions have no ALERT in them."""

_REJECTIONS: Final = frozenset(
    {
        "unknown_ca",
        "bad_certificate",
        "certificate_unknown",  # Java's alert for every certificate it rejects
        "certificate_expired",
        "certificate_revoked",
        "unsupported_certificate",
    }
)
_Names: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of a kind and a name."""

_COMPARABLE: Final = frozenset({"DNS", "IP Address", "email", "URI"})  # OpenSSL's text of other kinds is only readable
_SHORT: Final = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


class TlsFailure(ssl.SSLError):
    """TLS with the peer has failed; `take_ciphertext` has the alert to send.

    `detail` is a short phrase. `by_peer` means that the peer gave up: it sent an alert or ended the connection.
    `rejected_our_certificate` means that its alert rejects our certificate or its names. `rejected_theirs` means that
    we do not trust the peer's.
    """

    def __init__(
        self,
        detail: str,
        *,
        by_peer: bool = False,
        rejected_our_certificate: bool = False,
        rejected_theirs: bool = False,
    ) -> None:
        super().__init__(errno.EPROTO, detail)
        self.detail = detail
        self.by_peer = by_peer
        self.rejected_our_certificate = rejected_our_certificate
        self.rejected_theirs = rejected_theirs


class TlsLayer:
    """One side of TLS between two memory buffers: the client's with a `server_name`, which the server must prove.

    `complete` means that the handshake is done.
    """

    __slots__ = (
        "_by_peer", "_closed", "_failed", "_fed_end", "_incoming", "_outgoing", "_peer", "_read_ahead", "_rejected",
        "_rejected_theirs", "_tls", "_told", "complete",
    )  # fmt: skip

    def __init__(self, context: ssl.SSLContext, server_name: str = "") -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=not server_name, server_hostname=server_name or None
        )
        self._peer = "server" if server_name else "client"
        self._read_ahead = b""
        self._fed_end = False  # the peer's TCP end
        self._closed = False  # the peer's close_notify was read
        self._told = False  # our close_notify was written
        self._failed = ""  # the reason; an exception would keep its frames alive
        self._by_peer = False
        self._rejected = False  # our certificate, by the peer
        self._rejected_theirs = False
        self.complete = False

    def feed(self, ciphertext: bytes | memoryview) -> None:
        """Take bytes from the peer."""
        if not self._closed:
            self._incoming.write(ciphertext)

    def feed_end(self) -> None:
        """The peer ended its TCP connection: nothing more will be fed.

        OpenSSL is not told: it would fail the connection, but a peer that sent no close_notify can still be answered.
        The protocol inside a tunnel has its own end.
        """
        self._fed_end = True

    def handshake(self) -> bool:
        """Continue the handshake. Returns whether it is complete. Raises TlsFailure."""
        if self.complete:
            return True
        self._raise_failure()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            if not self._fed_end:
                return False
            self._failed = f"the {self._peer} ended the connection in the handshake"
            self._by_peer = True
        except ssl.SSLError as error:
            self._note_failure(error)
        self._raise_failure()
        self.complete = True
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Read plaintext of at most one record into the buffer. Returns its size, 0 at the peer's end.

        Raises BlockingIOError if more ciphertext is needed first, and TlsFailure.
        """
        if self._read_ahead:
            part = self._read_ahead[: len(buffer)]
            buffer[: len(part)] = part
            self._read_ahead = self._read_ahead[len(part) :]
            return len(part)
        self._raise_failure()
        if self.pending:
            try:
                size: int = self._tls.read(len(buffer), buffer)  # type: ignore[assignment]  # with a buffer, it is a size
                if size:
                    return size
                self._closed = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                self._closed = True
            except ssl.SSLError as error:
                self._note_failure(error)
            self._raise_failure()
        if self._closed or self._fed_end:
            return 0
        raise BlockingIOError(errno.EAGAIN, "the next record is not there yet")

    def write(self, plaintext: bytes | memoryview) -> int:
        """Encrypt plaintext, at most one record of 16 KiB. Returns how many bytes were taken.

        Raises BrokenPipeError after `close_write`, and TlsFailure.
        """
        self._raise_failure()
        if self._told:
            raise BrokenPipeError(errno.EPIPE, "this side has been closed")
        try:
            return self._tls.write(plaintext)
        except ssl.SSLError as error:
            self._note_failure(error)
        self._raise_failure()
        return 0

    def close_write(self) -> None:
        """Queue a close_notify; reading continues. Does nothing before the handshake is complete or after a failure.

        `unwrap` calls SSL_shutdown twice, and the second call reads: application data would fail the connection. So
        all data is removed first: decrypted data is read ahead, ciphertext is put back afterwards.
        """
        if self._told or not self.complete or self._failed:
            return
        self._told = True
        decrypted = self._tls.pending()
        if decrypted:
            self._read_ahead += self._tls.read(decrypted)
        undecrypted = self._incoming.read()
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # the peer's close_notify is not there yet
        except ssl.SSLError as error:
            self._note_failure(error)
        self._incoming.write(undecrypted)

    def take_ciphertext(self) -> bytes:
        """Return the bytes to send to the peer now."""
        return self._outgoing.read()

    @property
    def pending(self) -> bool:
        """Whether bytes are buffered, decrypted or not: `read_into` may return some without more input."""
        return not self._closed and bool(self._incoming.pending or self._tls.pending() or self._read_ahead)

    @property
    def rejection(self) -> str:
        """The alert by which the peer rejected our certificate, as a phrase; empty without one."""
        return self._failed if self._rejected else ""

    @property
    def own_failure(self) -> str:
        """Why this side gave up TLS, as a phrase; empty if it did not, or the peer did."""
        return "" if self._by_peer else self._failed

    @property
    def version(self) -> str:
        """The TLS version, such as "TLSv1.3"; empty before it is negotiated."""
        return self._tls.version() or ""

    @property
    def alpn(self) -> str:
        """The application protocol negotiated by ALPN (RFC 7301); empty without one."""
        return self._tls.selected_alpn_protocol() or ""

    @property
    def identity(self) -> str:
        """Subject and alternative names of the peer's verified certificate; empty without one.

        Printable and for reading: "CN=cucm-pub,O=Example; DNS:cucm-pub.example.net".
        """
        try:
            subject, names = self._certificate()
        except (ssl.SSLError, ValueError):
            return "a certificate that cannot be read"
        parts = [
            ",".join(
                f"{_SHORT.get(kind, kind)}={value}" for attributes in reversed(subject) for kind, value in attributes
            ),
            ",".join(f"{kind}:{value}" for kind, value in names),
        ]
        return printable("; ".join(filter(None, parts)).encode())

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the client's verified certificate, for comparison: common names, then the alternative ones."""
        try:
            subject, names = self._certificate()
        except (ssl.SSLError, ValueError):
            return ()
        common = (value for attributes in subject for kind, value in attributes if kind == "commonName")
        return (*common, *(value for kind, value in names if kind in _COMPARABLE))

    @property
    def peer_chain(self) -> tuple[bytes, ...]:
        """The certificates that the client sent, its own first, each in DER; empty if it sent none.

        In a session that was resumed only its own is known: a ticket of TLS 1.2 holds no others.
        """
        own = self._tls.getpeercert(binary_form=True) if self.complete else None
        if own is None:
            return ()
        if sys.version_info >= (3, 13):
            return tuple(self._tls.get_unverified_chain()) or (own,)
        chain = self._tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # public from 3.13 on
        return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain or ()) or (own,)

    def _certificate(self) -> "tuple[tuple[_Names, ...], _Names]":
        """Return subject and alternative names of the client's certificate; empty without one."""
        certificate = self._tls.getpeercert() if self.complete else None
        if not certificate:
            return (), ()
        subject: tuple[_Names, ...] = certificate.get("subject", ())  # type: ignore[assignment]
        names: _Names = certificate.get("subjectAltName", ())  # type: ignore[assignment]
        return subject, names

    def _raise_failure(self) -> None:
        if self._failed:
            raise TlsFailure(
                self._failed,
                by_peer=self._by_peer,
                rejected_our_certificate=self._rejected,
                rejected_theirs=self._rejected_theirs,
            )

    def _note_failure(self, error: ssl.SSLError) -> None:
        reason = error.reason or "UNKNOWN_ERROR"
        alert = _ALERT.fullmatch(reason)
        if alert is not None:
            name = alert[1].lower()
            self._failed = f"the {self._peer}'s alert {name}"
            self._by_peer = True
            self._rejected = name in _REJECTIONS
        elif isinstance(error, ssl.SSLZeroReturnError):
            self._failed = f"the {self._peer} closed TLS in the handshake"
            self._by_peer = True
        elif not error.reason:  # OpenSSL names its own errors, and the registered alerts
            self._failed = f"the {self._peer}'s alert, an unknown one"
            self._by_peer = True
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._failed = f"the {self._peer}'s certificate: {error.verify_message}"
            self._rejected_theirs = True
        else:
            self._failed = reason.lower().replace("_", " ")
