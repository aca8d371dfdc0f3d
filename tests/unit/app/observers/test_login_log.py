"""One line per failed login, for fail2ban, that contains no client input."""

import logging
import re

import pytest

from licensegate.app.observers.login_log import LoginLog
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, open_record

LINE = re.compile(
    r"login failed: client (?P<client>[0-9a-f.:]+) listener \S+ scheme (basic|digest-md5|digest-sha-256) record \w+"
)


def record(outcome: Outcome | None, client: str = "10.1.2.3", user: str = "cucm") -> TunnelRecord:
    made = open_record(client, 40000, "0.0.0.0:3128")
    made.login, made.user = "basic", user
    if outcome is not None:
        made.end(outcome)
    return made


@pytest.mark.parametrize("client", ["10.1.2.3", "2001:db8::7"])
def test_a_failed_login_is_logged_with_its_client(client: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LoginLog().observe([record(Outcome.LOGIN_REFUSED, client)])

    (line,) = caplog.messages
    found = LINE.fullmatch(line)
    assert found is not None
    assert found["client"] == client


@pytest.mark.parametrize("outcome", [None, *(it for it in Outcome if it is not Outcome.LOGIN_REFUSED)], ids=str)
def test_other_outcomes_are_not_logged(outcome: Outcome | None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        LoginLog().observe([record(outcome)])

    assert caplog.messages == []


def test_the_user_name_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LoginLog().observe([record(Outcome.LOGIN_REFUSED, user="x login failed: client 192.0.2.1")])

    assert "192.0.2.1" not in caplog.text
