"""Refused forms in the log of changes: who sent them, and no more lines than a disk can take."""

from licensegate.app.admin.page import PageRequest
from licensegate.app.admin.paths import END_TUNNEL, NAME_CLIENT
from licensegate.app.admin.refused_forms import LINES_OF_ADDRESS, LINES_OF_ALL, RefusedForms
from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.settings import Log
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester
from support.clock import Clock


def form(source: str, path: str = NAME_CLIENT) -> PageRequest:
    return PageRequest(path, source=source)


def test_a_refused_form_is_a_refused_change_of_its_sender() -> None:
    log = ChangeLog(Log())

    RefusedForms(log).write(ChangeKind.END, form("10.1.2.3", END_TUNNEL), "This page needs the token.")

    (change,) = log.recent
    assert (change.kind, change.ok, change.level) == (ChangeKind.END, False, "warning")
    assert change.by == (Requester(address="10.1.2.3"),)
    assert change.message.endswith("a form for /tunnels/end from 10.1.2.3 was refused: This page needs the token.")


def test_an_address_that_sends_many_has_few_lines_and_they_are_counted() -> None:
    clock, log = Clock(), ChangeLog(Log())
    forms = RefusedForms(log, clock)
    for _ in range(100):
        forms.write(ChangeKind.CLIENT_NAME, form("10.1.2.3"), "No.")
    assert len(log.recent) == LINES_OF_ADDRESS

    forms.write(ChangeKind.CLIENT_NAME, form("10.9.9.9"), "No.")
    assert log.recent[-1].message.endswith("No. (95 others were refused before and have no line)")

    clock.now += 61
    forms.write(ChangeKind.CLIENT_NAME, form("10.1.2.3"), "No.")
    assert log.recent[-1].message.endswith("from 10.1.2.3 was refused: No.")


def test_many_addresses_together_have_few_lines_too() -> None:
    log = ChangeLog(Log())
    forms = RefusedForms(log, Clock())
    for number in range(250):
        forms.write(ChangeKind.CLIENT_NAME, form(f"10.0.0.{number}"), "No.")

    assert len(log.recent) == LINES_OF_ALL
