"""Sends forms of the admin pages."""

import http.client
import re
from urllib.parse import urlencode

from licensegate.app.admin import paths
from support.admin_client import PageResponse, admin_port, get_page
from support.gate import Gate
from support.upstream import SECONDS

FORM = "application/x-www-form-urlencoded"


def post(gate: Gate, path: str, body: bytes | dict[str, str], source: str = "127.0.0.1", **fields: str) -> PageResponse:
    """Send a form, by default from this host. Names of header fields are written with underscores."""
    sent = urlencode(body).encode() if isinstance(body, dict) else body
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(gate), timeout=SECONDS, source_address=(source, 0))
    headers = {"Content-Type": FORM} | {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request("POST", path, sent, headers)
    answer = connection.getresponse()
    shown = PageResponse(
        answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    )
    connection.close()
    return shown


def sign_in(gate: Gate, token: str, source: str = "127.0.0.1") -> str:
    """Sign in and return the cookie."""
    answer = post(gate, paths.SIGN_IN, {"token": token}, source)
    assert answer.status == 303
    return answer.fields["set-cookie"].partition(";")[0]


def form_token(gate: Gate, cookie: str, key: str) -> str:
    """The token in the forms of a client's page."""
    page = get_page(gate, f"{paths.CLIENT}?key={key}", Cookie=cookie).body
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page
    return found[1]
