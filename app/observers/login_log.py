"""One line in the service log for each login that was wrong, in a form that stays as it is: for fail2ban.

The line holds nothing that a client chose, not even the user (docs/logins.md): nobody can write into it whom to ban.
"""

import logging
from collections.abc import Sequence

from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

_log = logging.getLogger(__name__)


def log_failed_logins(records: Sequence[TunnelRecord]) -> None:
    """Log what among these is a wrong password or an unknown user."""
    for record in records:
        if record.outcome is Outcome.LOGIN_REFUSED:
            _log.warning(
                "login failed: client %s listener %s scheme %s record %s",
                record.client,
                record.listener,
                record.login,
                record.id,
            )
