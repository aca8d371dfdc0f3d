"""The licensing exchange that every client is tried with, and the refusals that each must show its user."""

from urllib.parse import urlsplit

from msgspec import Struct

from support.gate import Gate
from support.standin import CALL_HOME_PATH, StandIn

HOST = "tools.cisco.com"
TARGET = f"{HOST}:443"
URL = f"https://{HOST}{CALL_HOME_PATH}"
MESSAGE = b'{"request": "' + b"x" * 2000 + b'"}'
"""A POST body of the size of a licensing message. What is in one is not public, and this does not pretend to know."""

REFUSING_HOST = "cloudsso.cisco.com"
"""Allowed, but the `gate` fixture sends it to a port on which nobody listens."""

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


def assert_served(gate: Gate, standin: StandIn, *, agent: str) -> None:
    """One POST came through one tunnel, whose record tells of it; `agent` begins the CONNECT's User-Agent."""
    assert [(post.method, post.path, post.body) for post in standin.received] == [("POST", CALL_HOME_PATH, MESSAGE)]
    assert standin.received[0].server_name == HOST
    (record,) = gate.records(1)
    assert record["outcome"] in ("closed_by_client", "closed_by_upstream"), record
    assert record["target"] == TARGET
    assert record["status"] == 200
    assert record.get("user_agent", "").startswith(agent)
    assert record["client_read"] > len(MESSAGE)
    assert record["upstream_written"] > len(MESSAGE)
    assert record["client_written"] > 0
    assert record["upstream_read"] > 0


def assert_explains(shown: str, refusal: Refusal) -> None:
    """What a client shows starts with the outcome's name, and names the target and the presets that would help."""
    assert shown.startswith(refusal.words)
    assert str(urlsplit(refusal.url).hostname) in shown
    if refusal.outcome == "target_in_preset":
        assert "preset" in shown
        assert any(name in shown for name in PRESETS)


def assert_refused(gate: Gate, standin: StandIn, refusal: Refusal) -> None:
    """The record tells of the refusal, and nothing was dialled but what refused itself."""
    record = gate.records(1)[0]
    assert (record["status"], record["outcome"]) == (refusal.status, refusal.outcome)
    if refusal.outcome == "target_in_preset":
        assert any(name in record["detail"] for name in PRESETS)
    assert standin.connections == 0
