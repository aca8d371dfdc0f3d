"""Sends one request to one product over verified HTTPS and reads its answer, bounded in size and time."""

import asyncio
import ssl
from typing import Final

import aiohttp

from licensegate.certs.roots import roots_context

from .answer import MOST_BYTES, RawAnswer
from .no_answer import NoAnswerError, NoAnswerReason
from .request import METHOD, PATH, body, header_fields
from .settings import AskedProduct

ANSWER_SECONDS: Final = 30.0
"""How long connecting and answering may take together."""

_CONNECT_SECONDS: Final = 10.0
_PIECE: Final = 65536


async def fetch(product: AskedProduct, password: str, agent: str, seconds: float = ANSWER_SECONDS) -> RawAnswer:
    """Send the request, on a connection of its own, and return the answer. Raises NoAnswerError.

    The login is sent only once the server's certificate is verified, and follows no redirect.
    """
    try:
        verified = _verification(product)
    except (OSError, ssl.SSLError) as error:
        raise NoAnswerError(NoAnswerReason.CERTIFICATE, f"{product.ca}: {error.strerror or error}") from None
    failures = _certificate_failures(verified)
    connector = aiohttp.TCPConnector(ssl=verified, limit=1, force_close=True)
    limit = aiohttp.ClientTimeout(total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds))
    session = aiohttp.ClientSession(
        connector=connector, timeout=limit, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
    async with session:
        try:
            async with session.request(
                METHOD,
                f"https://{product.address}{PATH}",
                data=body(product.axl_version),
                headers=header_fields(product.axl_version, product.username, password, agent),
                allow_redirects=False,
            ) as response:
                fields = {name.lower(): value for name, value in response.headers.items()}
                return RawAnswer(response.status, fields, await _content(response))
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch) as error:
            raise NoAnswerError(NoAnswerReason.CERTIFICATE, _said(error)) from None
        except aiohttp.ClientConnectorSSLError as error:
            raise NoAnswerError(NoAnswerReason.CERTIFICATE, _said(error)) from None
        except TimeoutError:
            raise NoAnswerError(NoAnswerReason.TIMED_OUT) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if failures:  # at one of its addresses; aiohttp tells what became of the last
                raise NoAnswerError(NoAnswerReason.CERTIFICATE, _said(failures[0])) from None
            raise NoAnswerError(NoAnswerReason.UNREACHABLE, _said(error)) from None
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: fields that are no HTTP
            raise NoAnswerError(NoAnswerReason.NOT_AXL, type(error).__name__) from None


class _Pin(aiohttp.Fingerprint):
    """A certificate's SHA-256, and the mismatches that there were."""

    def __init__(self, fingerprint: bytes) -> None:
        super().__init__(fingerprint)
        self.failures: list[Exception] = []

    def check(self, transport: asyncio.Transport) -> None:
        """Compare with the server's certificate. Raises ServerFingerprintMismatch."""
        try:
            super().check(transport)
        except aiohttp.ServerFingerprintMismatch as error:
            self.failures.append(error)
            raise


def _verification(product: AskedProduct) -> ssl.SSLContext | _Pin:
    return _Pin(bytes.fromhex(product.fingerprint)) if product.fingerprint else roots_context(product.ca)


def _certificate_failures(verified: ssl.SSLContext | _Pin) -> list[Exception]:
    """The list that will hold each certificate that fails. A name may have several addresses, and not all a server."""
    if isinstance(verified, _Pin):
        return verified.failures
    failures: list[Exception] = []

    class Remembering(ssl.SSLObject):
        """A handshake that notes why it failed."""

        def do_handshake(self) -> None:
            """Raises what its base does."""
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                failures.append(error)
                raise

    verified.sslobject_class = Remembering
    return failures


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The answer's content, up to one byte more than is read of any."""
    content = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            break
    return bytes(content[: MOST_BYTES + 1])


def _said(error: Exception) -> str:
    """The cause of a failed connection, without the address, which the caller names."""
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return f"its SHA-256 is {error.got.hex()}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(getattr(error.certificate_error, "verify_message", "") or error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return str(error)
