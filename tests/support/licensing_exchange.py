"""The licensing exchange that every client performs, and the refusals that it must show its user."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from support.standin import CALL_HOME_PATH, StandIn

HOST = "tools.cisco.com"
TARGET = f"{HOST}:443"
URL = f"https://{HOST}{CALL_HOME_PATH}"
MESSAGE = b'{"request": "' + b"x" * 2000 + b'"}'
"""A POST body as large as a licensing message, whose real content is not public."""

REFUSING_HOST = "cloudsso.cisco.com"
"""Allowed, but the `gate` fixture sends it to a closed port."""

OLD_HOST = "api.cisco.com"
OLD_URL = f"https://{OLD_HOST}{CALL_HOME_PATH}"
"""Its stand-in in a `Lab` speaks TLS 1.2 and nothing newer."""

OUTSIDE_NAME = "outside.test"
"""A name of the gate in a `Lab`, at an address whose clients it refuses."""

_DATA = 23
_ENCRYPTED_ALERT = 40  # bytes: the largest record with only an encrypted alert

PRESETS = ("smart-transport", "cucm")
"""The presets that would allow smartreceiver.cisco.com."""


class Refusal(Struct, frozen=True):
    """A URL that the `gate` fixture refuses, and the status and outcome of the answer."""

    url: str
    status: int
    outcome: str

    @property
    def words(self) -> str:
        """The start of the status line after the version."""
        return f"{self.status} {self.outcome}"

    def __str__(self) -> str:
        return self.outcome


REFUSALS = (
    Refusal("https://webex.example/", 403, "target_not_allowed"),
    Refusal("https://smartreceiver.cisco.com/licservice/license", 403, "target_in_preset"),
    Refusal("https://tools.cisco.com:8443/", 403, "target_port_not_allowed"),
    Refusal("https://192.0.2.1/", 403, "target_is_address"),
    Refusal(f"https://{REFUSING_HOST}/", 502, "connection_refused"),
)


class AlertRefusal(Struct, frozen=True):
    """A host that the gate of a `Lab` refuses to a client of bare TLS, and the alert it sends."""

    host: str
    alert: str
    outcome: str


ALERT_REFUSALS = (
    AlertRefusal("webex.example", "unrecognized_name", "server_name_not_allowed"),
    AlertRefusal(OUTSIDE_NAME, "access_denied", "client_not_allowed"),
)


ENDED_WELL = ("closed_by_client", "closed_by_upstream", "reset_by_client")
"""Outcomes of a tunnel that did its work. A client that closes before it read close_notify resets the connection, so
the gate may see either first."""


def assert_posted(standins: Iterable[StandIn], count: int) -> None:
    """The message was posted `count` times, each time to the server that was asked for."""
    received = [post for standin in standins for post in standin.received]
    assert [(post.method, post.path, post.body) for post in received] == [("POST", CALL_HOME_PATH, MESSAGE)] * count
    assert all(str(post.host).partition(":")[0] == post.server_name for post in received)


def assert_served(record: Mapping[str, Any]) -> None:
    """The record is of a tunnel that carried the message in TLS for its target."""
    assert record["outcome"] in ENDED_WELL, record
    assert record["server_name_check"] == "match"
    assert record["target"] == f"{record['server_name']}:443"
    assert record.get("status") == (None if record["protocol"] == "tls" else 200)
    assert record["client_read"] > len(MESSAGE)
    assert record["upstream_written"] > len(MESSAGE)
    assert record["client_written"] > 0
    assert record["upstream_read"] > 0
    assert carried_data(record)
    assert not certificate_rejected(record)


def assert_explains(shown: str, refusal: Refusal) -> None:
    """The text starts with the outcome's name, and names the target and the presets that would help."""
    assert shown.startswith(refusal.words)
    assert str(urlsplit(refusal.url).hostname) in shown
    if refusal.outcome == "target_in_preset":
        assert "preset" in shown
        assert any(name in shown for name in PRESETS)


def assert_refused(record: Mapping[str, Any], refusal: Refusal) -> None:
    """The record has the status and outcome that the client was shown."""
    assert (record["status"], record["outcome"]) == (refusal.status, refusal.outcome)
    if refusal.outcome == "target_in_preset":
        assert any(name in record["detail"] for name in PRESETS)


def carried_data(record: Mapping[str, Any]) -> bool:
    """Whether the client sent application data larger than an alert, so that its handshake had succeeded."""
    return any(kind == _DATA and size > _ENCRYPTED_ALERT for kind, size in record.get("client_records", ()))


def certificate_rejected(record: Mapping[str, Any]) -> bool:
    """Whether the records show that the client rejected the server's certificate with an alert.

    After the server's flight it sent only an alert: in the clear, or in one small record after change_cipher_spec, as
    Java does in TLS 1.3.
    """
    match record.get("client_records"):
        case [[21, 2]] | [[20, 1], [21, 2]]:
            said = True
        case [[20, 1], [23, size]]:
            said = size <= _ENCRYPTED_ALERT
        case _:
            said = False
    return said and bool(record.get("upstream_records"))
