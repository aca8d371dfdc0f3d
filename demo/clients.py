"""The clients: what products do on the wire, each from an address of its own in 127.0.0.0/8."""

import contextlib
import socket
import ssl
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final

from msgspec import Struct

from .address import LOOPBACK

_SECONDS: Final = 5.0
_PATH: Final = "/its/service/oddce/services/DDCEService"  # of Call Home
_BODY: Final = b"<request>a demo of LicenseGate</request>"


class DemoClient(Struct, frozen=True):
    """A client: its name in the gate's settings, address and product, and the newest TLS version that it knows."""

    name: str
    address: str
    product: str = "CUCM"
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    @property
    def program(self) -> str:
        """Its User-Agent."""
        return f"licensegate-demo/{self.product}"


def post(client: DemoClient, proxy: int, host: str, root: Path | None) -> ssl.SSLSocket | None:
    """Post to a host through the proxy on this port, without a login. Returns the tunnel, still open after the answer.

    The client trusts certificates of `root` alone, without it none, and refuses others with the alert that products
    send. None if the contact failed: most stories tell of one that does.
    """
    with contextlib.suppress(OSError, HTTPException, ValueError), contextlib.ExitStack() as opened:
        tunnel = opened.enter_context(
            socket.create_connection((LOOPBACK, proxy), _SECONDS, (client.address, 0)),
        )
        if _open_tunnel(tunnel, client, host) == HTTPStatus.OK:
            secure = opened.enter_context(_trusting(client, root).wrap_socket(tunnel, server_hostname=host))
            _request(secure, client, host)
            opened.pop_all()
            return secure
    return None


def close(tunnel: ssl.SSLSocket) -> None:
    """Close a tunnel as TLS clients do, with close_notify."""
    with tunnel, contextlib.suppress(OSError):
        tunnel.unwrap()


def _open_tunnel(tunnel: socket.socket, client: DemoClient, host: str) -> int:
    """Send a CONNECT and return the proxy's status. Nothing is read behind the head of its answer."""
    tunnel.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nUser-Agent: {client.program}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := tunnel.recv(1)):
        head += byte
    return int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.") else 0


def _request(secure: ssl.SSLSocket, client: DemoClient, host: str) -> None:
    """Post a request inside the tunnel and read the answer."""
    secure.sendall(
        f"POST {_PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {client.program}\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(_BODY)}\r\n\r\n".encode()
        + _BODY
    )
    answer = HTTPResponse(secure)
    answer.begin()
    answer.read()


def _trusting(client: DemoClient, root: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = client.newest
    if root is not None:
        context.load_verify_locations(root)
    return context
