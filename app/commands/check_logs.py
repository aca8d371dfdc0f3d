"""The part of `licensegate check` about logs that go to a server: whether it can be reached now."""

import os
from collections.abc import Iterator

from licensegate.app.logs.connection import Connection
from licensegate.app.logs.open_sink import open_server
from licensegate.app.logs.server_errors import ServerError
from licensegate.app.settings import LogKind, Settings


def unreachable(settings: Settings) -> Iterator[str]:
    """Connect to the server of each log, and yield why one cannot be reached. Each takes a few seconds at most.

    A server of UDP says nothing: only its name is looked up. Raises LogPlaceError for files that cannot be used.
    """
    syslog = settings.log.syslog
    if not all(path is None or os.access(path, os.R_OK) for path in (syslog.ca, syslog.certificate, syslog.key)):
        return  # the gate may read files that this user may not
    for key, place in settings.log.places.items():
        has_server = place.is_syslog or place.kind is LogKind.JOURNAL
        if has_server and (fault := _fault(open_server(place, key, syslog))):
            yield f"{key}: {fault}; until then lines wait, and then are dropped"


def _fault(connection: Connection) -> str:
    try:
        connection.open(lambda: False)
    except ServerError as error:
        return str(error)
    finally:
        connection.close()
    return ""
