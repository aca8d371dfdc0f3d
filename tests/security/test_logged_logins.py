"""Logins that clients put into the wrong place of a request appear in no log and on no page."""

from pathlib import Path

import pytest

from support.admin_client import ANY_PORT, TRUSTED_PAGES, get_page, get_page_until
from support.gate import Gate, gate_settings
from support.raw_client import ask

SECRET = b"hunter2hunter2"
REQUESTS = {
    "Via": b"CONNECT no.example:443 HTTP/1.1\r\nVia: 1.1 edge (cucm:" + SECRET + b"@edge)\r\n\r\n",
    "User-Agent with a login": b"CONNECT no.example:443 HTTP/1.1\r\nUser-Agent: x Basic " + SECRET + b"\r\n\r\n",
    "User-Agent with a value": b"CONNECT no.example:443 HTTP/1.1\r\nUser-Agent: x (token=" + SECRET + b")\r\n\r\n",
    "query of a URL": b"GET http://no.example/?" + SECRET + b" HTTP/1.1\r\nHost: no.example\r\n\r\n",
    "query of a path": b"GET /its/service?user=cucm&key=" + SECRET + b" HTTP/1.1\r\nHost: no.example\r\n\r\n",
    "query of a target": b"CONNECT no.example:443?" + SECRET + b" HTTP/1.1\r\n\r\n",
    "user of a target": b"CONNECT cucm:" + SECRET + b"@no.example:443 HTTP/1.1\r\n\r\n",
    "invalid method": b"CONN ECT no.example:443?" + SECRET + b" HTTP/1.1\r\n\r\n",
    "invalid field name": b"CONNECT no.example:443 HTTP/1.1\r\nX-Token : " + SECRET + b"\r\n\r\n",
}


@pytest.mark.parametrize("request_with_login", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_login_in_the_wrong_place_is_not_logged(tmp_path: Path, request_with_login: bytes) -> None:
    settings = gate_settings(admin=ANY_PORT).replace("[log]", "[log]\nlevel = 'debug'")
    with Gate(tmp_path, settings) as gate:
        ask(gate, request_with_login)
        gate.records(1)
        get_page_until(gate, "/api/refusals", lambda page: page.json["refusals"])
        pages = [get_page(gate, page).body for page in TRUSTED_PAGES]

    shown = "\n".join([(tmp_path / "access.jsonl").read_text(), *gate.stderr, *pages])
    assert SECRET.decode() not in shown
    assert "..." in shown
