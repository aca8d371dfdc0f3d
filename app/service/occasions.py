"""On what occasion a tunnel was ended before its time: phrases for its record."""

from typing import Final

from licensegate.records.requester import Requester

USERS_CHANGED: Final = "the files of users have changed"
CERTIFICATES_CHANGED: Final = "the files for clients' certificates have changed"


def requested_by(requester: Requester) -> str:
    """What somebody asked for."""
    return f"requested by {requester}"


def reload_by(*requesters: Requester) -> str:
    """A reload that somebody asked for, or several."""
    requester = " and ".join(map(str, requesters))
    return f"reload requested by {requester}"
