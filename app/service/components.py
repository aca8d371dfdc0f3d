"""The parts of a running gate, built from one set of settings. `reload` exchanges the settings."""

import contextlib
import logging
import socket
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Mode
from licensegate.app.observers.access_log import AccessLog
from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.observers.ledger import Ledger
from licensegate.app.observers.opened_logs import OpenedLogs
from licensegate.app.observers.registry import Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import TargetNames
from licensegate.app.observers.target_reports import TargetReports
from licensegate.app.overview.gate_summary import GateFacts
from licensegate.app.overview.settings_warnings import SettingsWarnings
from licensegate.app.overview.upstreams import Upstreams
from licensegate.app.overview.view import GateView
from licensegate.app.settings import Log, Settings
from licensegate.app.settings.ledger import client_notes
from licensegate.app.version import full_version, version
from licensegate.diagnosis.target_report import TargetReport
from licensegate.ledger.clients import ClientNames
from licensegate.ledger.place import LedgerSettings
from licensegate.products.poller import ProductPoller
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError
from licensegate.proxy.net.passed_sockets import PassedSocket, PassedSockets
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.records.contact import Contact
from licensegate.records.record import TunnelRecord

from .changes import in_force
from .cucm_instructions import cucm_instructions, reach
from .host import limits_within_descriptors
from .logs import ServiceLog
from .parts import Parts
from .probe_process import run_look
from .revoke_requests import end_one
from .socket_activation import warn_of_unused
from .target_looks import TargetLooks

if TYPE_CHECKING:
    from licensegate.app.admin.site import AdminSite

_log = logging.getLogger(__name__)


WarningsOf = Callable[[Settings], Iterable[str]]
"""Finds the warnings of settings; may read files."""


def no_warnings(settings: Settings) -> Iterable[str]:
    """Finds none."""
    return ()


class Components:
    """The gate with its certificate, authenticator, access log, admin site and looks at targets, and the settings.

    `opened` are the logs, `passed` are listening sockets that it need not bind. On
    `standby`, while another process serves, it accepts no client and leaves the ledger alone until `take_turn`.
    `warnings_of` finds those of the settings.

    Needs a running event loop. Raises ListenError if the gate cannot serve.
    """

    def __init__(
        self,
        parts: Parts,
        opened: OpenedLogs,
        service_log: ServiceLog,
        passed: PassedSockets | None = None,
        *,
        standby: bool = False,
        warnings_of: WarningsOf = no_warnings,
    ) -> None:
        self.parts = parts
        self.in_force = in_force(parts)
        self._warnings_of = warnings_of
        self.passed = passed = passed or PassedSockets()
        self.successor: int | None = None
        """The process that serves instead of this one, after a handover."""
        settings = parts.settings
        self.service_log = service_log
        self._admin_site: AdminSite | None = None
        self._view: GateView | None = None
        self._observers = Observers(
            settings.log,
            lambda: self.gate.snapshot.policy,
            opened.access,
            LedgerSettings() if standby else settings.ledger,
            ClientNames(settings.named_clients),
        )
        self.access_log = self._observers.get(AccessLog)
        self.changes = ChangeLog(settings.log, opened.changes)
        self._losses = {
            "access": lambda: self.access_log.losses,
            "service": lambda: service_log.losses,
            "changes": lambda: self.changes.losses,
        }
        self.ledger = self._observers.get(Ledger)
        self.gate = Gate(self.snapshot(), settings.dial, settings.dns, settings.parents, bind=passed.bind)
        self.looks = TargetLooks(
            partial(run_look, self.gate), self._observers.targets, TargetReports(), lambda: self.settings.looks
        )
        self.looks.reports.tell(self.gate.diagnosis.seen)
        self.looks.reports.tell(self._learn_tickets)
        self.gate.add_observer(self._want_looks)
        self.products = ProductPoller(
            settings.products, f"LicenseGate/{version()}", self.ledger.hear, memory=self.ledger
        )
        self._observers.attach(self.gate)
        try:
            with self.adopting_admin(parts) as leaving:
                self.gate.listen(settings.listen, leaving)
        except ListenError:
            self.close()
            raise
        if standby:
            self.gate.pause_accepting()
            self.share_logs(True)
        log_notable_settings(settings)
        self.warn_of_unused()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.parts.settings

    @property
    def targets(self) -> TargetNames:
        """The targets of the allowlist in force."""
        return self._observers.targets

    @property
    def status(self) -> str:
        """What listens, and which settings are in force, in words."""
        listening = ", ".join(listener.name for listener in self.gate.listeners)
        admin = (
            "" if self._admin_site is None or not self._admin_site.address else f"; admin on {self._admin_site.address}"
        )
        return f"listening on {listening}{admin}; settings from {self.settings.source}; hash {self.in_force.settings}"

    @property
    def instructions(self) -> str:
        """What to type into CUCM with the settings in force."""
        how = reach([(listener.host, listener.port) for listener in self.gate.listeners], self.settings.announce)
        return cucm_instructions(how, self.gate.snapshot.policy)

    def take_turn(self) -> None:
        """Accept clients and write the ledger: the process that served before does not any more."""
        settings = self.settings
        self.ledger.adopt(settings.ledger, ClientNames(settings.named_clients))
        self.gate.resume_accepting()
        self.passed.let_go()

    def passable_sockets(self) -> list[PassedSocket]:
        """The listening sockets, for another process: those of the service manager, clients' and the admin server's."""
        own = [listener.sock for listener in self.gate.listeners]
        if self._admin_site is not None and self._admin_site.sock is not None:
            own.append(self._admin_site.sock)
        lasting = self.passed.lasting
        addresses = {one.sock.getsockname() for one in lasting}
        return [*lasting, *(PassedSocket(sock) for sock in own if sock.getsockname() not in addresses)]

    def leave_to(self, successor: int, taken: Collection[socket.socket]) -> None:
        """Stop accepting for good, because another process serves on the sockets that it has `taken`.

        Clients that wait at the others are accepted first. All that are accepted are served.
        """
        self.successor = successor
        addresses = {sock.getsockname() for sock in taken}
        for listener in self.gate.listeners:
            if listener.sock.getsockname() not in addresses:
                listener.accept_waiting()
        self.gate.stop_accepting(serve_accepted=True)
        self.share_logs(True)

    def share_logs(self, shared: bool) -> None:
        """Write the logs in whole lines while another process writes them, too."""
        self.access_log.share(shared)
        self.service_log.share(shared)
        self.changes.share(shared)

    def adopt_logs(self, settings: Log, opened: OpenedLogs) -> None:
        """Write the logs as these settings say, to what was opened for them."""
        self.access_log.adopt(settings, opened.access)
        self.changes.adopt(settings, opened.changes)
        self.service_log.adopt(settings, opened.service)

    def warn_of_unused(self) -> None:
        """Log which sockets of the service manager the settings in force do not use."""
        admin = self.settings.admin.listen
        warn_of_unused(self.passed, [*self.settings.listen, *([] if admin is None else [admin])])

    def close(self) -> None:
        """Cut the open connections and write the waiting log lines."""
        self.gate.close()
        self._observers.close()
        self.changes.close()
        self.passed.close()

    async def stop_admin(self) -> None:
        """Answer the requests in progress on the admin pages, and close them."""
        if self._admin_site is not None:
            await self._admin_site.stop()

    def adopting_admin(self, parts: Parts) -> contextlib.AbstractContextManager[list[socket.socket]]:
        """Use these settings of the admin site unless the block raises; yields the sockets that it closes then.

        Raises ListenError.
        """
        settings = parts.settings
        if self._admin_site is None:
            if settings.admin.listen is None:
                return contextlib.nullcontext([])
            from licensegate.app.admin.site import AdminSite  # aiohttp takes 0.1 s and 12 MB

            view = self.view()
            self._admin_site = AdminSite(
                self.gate,
                self._observers,
                self._losses,
                self.looks.reports,
                self._upstreams,
                view,
                self.products,
                self.changes,
                partial(end_one, self.gate, self.changes),
                self.passed.bind,
            )
        return self._admin_site.adopting(
            settings.admin, parts.admin_token, settings.probe_seconds, self.gate.left_by(settings.listen)
        )

    def view(self) -> GateView:
        """What people see of the gate. From the first call on, the gate remembers refusals and clients for it."""
        if self._view is None:
            self._observers.start_view(self.gate)
            facts = GateFacts(full_version(), datetime.now(UTC), self._losses, lambda: self.settings.source)
            reports = self.looks.reports
            self._upstreams = Upstreams(
                self.targets, self._observers.get(TargetHealth), self.gate.probe, reports, self.looks.want_first
            )
            warnings = SettingsWarnings(lambda: self.settings, self._warnings_of)
            self._view = GateView(
                self.gate,
                self._observers,
                self._upstreams,
                reports,
                facts,
                self.products,
                warnings.found,
                self.changes.recent,
            )
        return self._view

    def _want_looks(self, records: Sequence[TunnelRecord]) -> None:
        """Look at the targets of tunnels that ended suspiciously."""
        answered = Contact.ANSWERED
        for record in records:
            failed = record.contact is not answered and record.event == "end"
            if failed and record.target and self.gate.diagnosis.wants_look(record):
                self.looks.want(record.target)

    def _learn_tickets(self, report: TargetReport) -> None:
        if report.tls_version == "TLSv1.3":
            self.gate.learn_tickets(report.target, report.ticket_bytes)

    def snapshot(self) -> Snapshot:
        """Return the snapshot for new connections: the settings, certificate and authenticator in force."""
        settings = self.settings
        return Snapshot(
            ClientNetworks(settings.client_networks),
            settings.policy,
            limits_within_descriptors(settings.limits),
            ChecksByClient(settings.tunnel, settings.tunnel_networks),
            self.parts.certificate.value,
            self.parts.authenticator_reloader.authenticator,
        )


def log_notable_settings(settings: Settings) -> None:
    """Log the settings that change what an operator expects: parents, an allowlist that only reports, the ledger."""
    if settings.parents.proxies:
        parents = ", ".join(map(str, settings.parents.proxies))
        _log.info("targets are reached through %s%s", parents, ", else directly" if settings.parents.direct else "")
    if settings.policy.mode is Mode.REPORT:
        _log.warning("allowlist.mode is report: targets that are not allowed pass, and are only recorded")
    for note in client_notes(settings.named_clients):
        _log.warning("%s", note)
    if settings.ledger.place.is_kept:
        _log.info("clients' contacts are kept in %s", settings.ledger.place)
    else:
        _log.info("clients' contacts are not kept: set state.directory or ledger.url for a ledger")
