"""First bytes and assertions for tests of attacks on the gate."""

from collections.abc import Mapping
from typing import Any

from support.raw_client import CONNECT
from support.standin import StandIn

NOT_HTTP = {
    "a bare CR first": b"\r" + CONNECT,
    "a blank first": b" " + CONNECT,
    "SOCKS 5": b"\x05\x01\x00",
    "SOCKS 4": b"\x04\x01\x01\xbb\x7f\x00\x00\x01\x00",
    "NULs": bytes(64),
    "UTF-16": CONNECT.decode().encode("utf-16"),
    "a TLS record of data": b"\x17\x03\x03\x00\x05hello",
}
"""First bytes of protocols that the gate does not serve."""

OTHER_FIRST_LINES = {
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SSH with a comment": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "SMTP": b"EHLO client.example\r\n",
    "FTP": b"USER anonymous\r\n",
    "SIP": b"OPTIONS sip:gate.example SIP/2.0\r\n\r\n",
    "AMQP": b"AMQP\0\0\x09\x01",
    "Java's RMI": b"JRMI\0\x02K",
}
"""First lines that begin with a word, as a method does."""


def assert_nothing_dialled(record: Mapping[str, Any], standin: StandIn) -> None:
    """No name was resolved and no connection was made."""
    assert not record.keys() & {"addresses", "attempts", "upstream", "resolve_ms", "dial_ms"}
    assert standin.connections == 0
