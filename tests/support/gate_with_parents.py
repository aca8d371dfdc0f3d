"""Settings of gates that use parent proxies, and assertions about their tunnels."""

from typing import Any

from support.gate import Gate, gate_settings
from support.licensing_exchange import ENDED_WELL, HOST, MESSAGE, TARGET
from support.squid import USER
from support.standin import CALL_HOME_PATH, StandIn


def parent_gate_settings(*parents: str, more: str = "", connect_to: tuple[str, ...] = ()) -> str:
    """Settings for a gate with these parents: each is a URL, or a URL and the further lines of its table."""
    tables = [f'[[parent]]\nurl = "{url}"\n{rest}' for url, _, rest in (parent.partition("\n") for parent in parents)]
    return gate_settings(*connect_to, more="\n\n".join([*tables, more]))


def parent_with_login(url: str, auth: str = "auto", user: str = USER) -> str:
    """A parent where the gate logs in by the password in `parent.secret`."""
    return f"{url}\nauth = '{auth}'\nusername = '{user}'\npassword_file = 'parent.secret'"


def assert_posted_through(gate: Gate, standin: StandIn, *, login: str = "", parent: str = "") -> dict[str, Any]:
    """Assert that one POST reached the stand-in and that the record has this login and parent. Returns the record."""
    (post,) = standin.received
    assert (post.method, post.path, post.body, post.server_name) == ("POST", CALL_HOME_PATH, MESSAGE, HOST)
    record = gate.records(1)[-1]
    assert record["outcome"] in ENDED_WELL, record
    assert (record["target"], record["status"]) == (TARGET, 200)
    assert record.get("parent_login", "") == login
    assert record["parent_status"] == 200
    if parent:
        assert record["parent"] == parent
    return record
