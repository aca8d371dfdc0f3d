"""Asks the gate what it thinks of a client, by `/api/clients`, as any program on this host may."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlencode

import msgspec

from licensegate.app.admin import paths
from licensegate.app.overview.clients import ClientList, ClientRow
from licensegate.records.json_errors import JSON_ERRORS

from .gate import DemoGate
from .processes import DemoError

_SECONDS: Final = 10.0


def client_row(gate: DemoGate, name: str) -> ClientRow | None:
    """How the gate says that this client stands; None if it does not know it yet. Raises DemoError."""
    with closing(HTTPConnection(gate.admin, timeout=_SECONDS)) as connection:
        try:
            connection.request("GET", f"{paths.API_CLIENTS}?{urlencode({'q': name})}")
            body = connection.getresponse().read()
            found = msgspec.json.decode(body, type=ClientList)
        except (OSError, HTTPException, *JSON_ERRORS) as error:
            raise DemoError(f"the gate's admin pages cannot be read: {error}") from None
    return next((row for row in found.clients if row.name == name), None)
