"""The licensing exchange that every client is tried with, and the refusals that each must show its user."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from support.standin import CALL_HOME_PATH, StandIn

HOST = "tools.cisco.com"
TARGET = f"{HOST}:443"
URL = f"https://{HOST}{CALL_HOME_PATH}"
MESSAGE = b'{"request": "' + b"x" * 2000 + b'"}'
"""A POST body of the size of a licensing message. What is in one is not public, and this does not pretend to know."""

REFUSING_HOST = "cloudsso.cisco.com"
"""Allowed, but the `gate` fixture sends it to a port on which nobody listens."""

OLD_HOST = "api.cisco.com"
OLD_URL = f"https://{OLD_HOST}{CALL_HOME_PATH}"
"""Its stand-in in a `place` speaks TLS 1.2 and nothing newer."""

OUTSIDE_NAME = "outside.test"
"""A name of the gate of a `place`, at an address whose clients it does not serve."""

_DATA = 23
_SEALED_ALERT = 40  # the largest record that holds an encrypted alert and nothing else

PRESETS = ("smart-transport", "cucm")
"""The presets that would allow smartreceiver.cisco.com."""


class Refusal(Struct, frozen=True):
    """A URL that the `gate` fixture does not reach, and what its answer says."""

    url: str
    status: int
    outcome: str

    @property
    def words(self) -> str:
        """How the status line goes on after the version; a sentence follows."""
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


class Alarm(Struct, frozen=True):
    """A host that a client which speaks TLS straight to the gate of a `place` does not reach, and what it is told."""

    host: str
    alert: str
    outcome: str


ALARMS = (
    Alarm("webex.example", "unrecognized_name", "server_name_not_allowed"),
    Alarm(OUTSIDE_NAME, "access_denied", "client_not_allowed"),
)


ENDED_WELL = ("closed_by_client", "closed_by_upstream", "reset_by_client")
"""How a tunnel may end that has done its work. A client that closes before it has read the other's close_notify resets
the connection, and whether the gate sees its end or that first is chance."""


def assert_posted(standins: Iterable[StandIn], count: int) -> None:
    """The message came so often, and each time to the server that was asked for."""
    received = [post for standin in standins for post in standin.received]
    assert [(post.method, post.path, post.body) for post in received] == [("POST", CALL_HOME_PATH, MESSAGE)] * count
    assert all(str(post.host).partition(":")[0] == post.server_name for post in received)


def assert_served(record: Mapping[str, Any]) -> None:
    """The record tells of one tunnel that carried the message, in TLS for its target and no other."""
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
    """What a client shows starts with the outcome's name, and names the target and the presets that would help."""
    assert shown.startswith(refusal.words)
    assert str(urlsplit(refusal.url).hostname) in shown
    if refusal.outcome == "target_in_preset":
        assert "preset" in shown
        assert any(name in shown for name in PRESETS)


def assert_refused(record: Mapping[str, Any], refusal: Refusal) -> None:
    """The record tells of the refusal, as the client was told."""
    assert (record["status"], record["outcome"]) == (refusal.status, refusal.outcome)
    if refusal.outcome == "target_in_preset":
        assert any(name in record["detail"] for name in PRESETS)


def carried_data(record: Mapping[str, Any]) -> bool:
    """Whether the handshake came about: the client sent application data of more than an alert's size."""
    return any(kind == _DATA and size > _SEALED_ALERT for kind, size in record.get("client_records", ()))


def certificate_rejected(record: Mapping[str, Any]) -> bool:
    """Whether a client has rejected the server's certificate and said so, from the outside.

    It has seen the server's flight and sent nothing but an alert: in the clear, or after its change_cipher_spec in one
    small record, as Java does in TLS 1.3.
    """
    match record.get("client_records"):
        case [[21, 2]] | [[20, 1], [21, 2]]:
            said = True
        case [[20, 1], [23, size]]:
            said = size <= _SEALED_ALERT
        case _:
            said = False
    return said and bool(record.get("upstream_records"))
