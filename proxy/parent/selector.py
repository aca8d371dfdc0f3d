"""Chooses the parents for each tunnel, in the order of the settings, with the interface of a plain dialer.

Targets are dialled directly only as the last resort, and only where the settings allow it: a gate with parents never
bypasses them otherwise.
"""

import logging
import time

from msgspec import structs

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.record import DIRECT

from ..dial.dialer import DialCaller, Dialer, PendingDial
from .account import Account
from .health import ParentHealth
from .parent import Parent
from .parent_dial import ParentDial
from .protocol.scheme import LoginFailedError
from .settings import ParentLogin, ParentProxy, ParentSettings

_log = logging.getLogger(__name__)


class ParentSelector:
    """Dials targets through parents. Takes over the accounts and the parents' health of an `earlier` selector."""

    def __init__(self, dialer: Dialer, settings: ParentSettings, earlier: "ParentSelector | None" = None) -> None:
        self.dialer = dialer
        self.direct = settings.direct
        known = {_without_secret(parent.settings): parent for parent in earlier.parents} if earlier else {}
        accounts = {_without_secret(parent.settings).login: parent.account for parent in known.values()}
        self.parents: list[Parent] = []
        for proxy in settings.proxies:
            key = _without_secret(proxy)
            if key.login not in accounts:
                accounts[key.login] = _new_account(proxy.login)
            health = known[key].health if key in known else ParentHealth()
            self.parents.append(Parent(proxy, accounts[key.login], health))

    def prepare(self, target: Target, rule: Rule, caller: DialCaller) -> PendingDial:
        """See `TargetDialer`."""
        parents = self._parents_to_try(time.monotonic())
        if parents:
            return ParentDial(self.dialer, parents, target, rule, caller, direct=self.direct)
        caller.record.parent = DIRECT
        return self.dialer.prepare(target, rule, caller)

    def _parents_to_try(self, now: float) -> list[Parent]:
        """The parents not left out. If all are: none where `direct` is allowed, else all, soonest due first."""
        usable = [parent for parent in self.parents if not parent.health.is_left_out(now)]
        if usable or self.direct:
            return usable
        return sorted(self.parents, key=lambda parent: parent.health.left_out_until)


def _without_secret(settings: ParentProxy) -> ParentProxy:
    """The settings as a key to compare parents by: a secret's value cannot be compared, its source can."""
    return structs.replace(settings, login=structs.replace(settings.login, password=None))


def _new_account(login: ParentLogin) -> Account:
    """An account; logs at once what keeps it from logging in, not only when a tunnel needs it."""
    account = Account(login)
    try:
        account.refresh()
    except LoginFailedError as failed:
        _log.error("the gate cannot log in to a parent proxy: %s", failed)
    return account
