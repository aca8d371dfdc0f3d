"""The login log: one line in the service log per failed login, in a fixed form for fail2ban.

The line holds nothing that a client chose, not even the user name (docs/logins.md), so that no client can have
another one banned.
"""

import logging
from collections.abc import Sequence

from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from .observer import Observer

_log = logging.getLogger(__name__)


class LoginLog(Observer):
    """Writes the line. Holds nothing."""

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        """Log each wrong password and each unknown user."""
        failed = Outcome.LOGIN_REFUSED
        for record in records:
            if record.outcome is failed:
                _log.warning(
                    "login failed: client %s listener %s scheme %s record %s",
                    record.client,
                    record.listener,
                    record.login,
                    record.id,
                )
