"""The table of the stories: which client, what happens, what LicenseGate says to it, and where to see that.

The text on the terminal and the list in docs/demo.md come from it, and `licensegate demo --once` asks the gate whether
it says so.
"""

import ssl
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import urlencode

from msgspec import Struct

from licensegate.app.admin import paths
from licensegate.app.overview.identities import key_text
from licensegate.app.overview.words import LevelName
from licensegate.diagnosis.codes import Code
from licensegate.language.language import N_
from licensegate.ledger.clients import ClientKey, ClientKind

from .clients import DemoClient, post
from .lab import CALL_HOME, INTERCEPTED, SMART_TRANSPORT, Lab
from .past import Past, daily_contacts, nothing, out_of_compliance

Act: TypeAlias = Callable[[Lab, DemoClient], ssl.SSLSocket | None]
"""What a client does, once. Returns its tunnel if it got an answer."""

SILENT_DAYS: Final = 75
WRONG_HOST: Final = "tool.cisco.com"


class Story(Struct, frozen=True, kw_only=True):
    """One story.

    `happens` and `says` are sentences, the second one LicenseGate's, and `path` is the page that shows it. It is true
    once the gate gives its client this `level` and this `finding`, which is None where no connection was made.
    `needs_look` if the gate must have looked at the target to say so.
    """

    client: DemoClient
    happens: str
    says: str
    path: str
    level: LevelName
    finding: Code | None = None
    past: Past = nothing
    act: Act | None = None
    needs_parent: bool = False
    needs_look: bool = False

    @property
    def label(self) -> str:
        """The label of its finding, empty without one."""
        return "" if self.finding is None else self.finding.label


def _page_of(client: str) -> str:
    return f"{paths.CLIENT}?{urlencode({'key': key_text(ClientKey(ClientKind.NAMED, client))})}"


def _posts_to(host: str) -> Act:
    """Post to this host through the gate."""

    def act(lab: Lab, client: DemoClient) -> ssl.SSLSocket | None:
        return post(client, lab.gate.port, host, lab.root)

    return act


def _post_without_root(lab: Lab, client: DemoClient) -> ssl.SSLSocket | None:
    """Post through the gate, and trust no certificate."""
    return post(client, lab.gate.port, CALL_HOME, None)


def _post_past_the_gate_first(lab: Lab, client: DemoClient) -> ssl.SSLSocket | None:
    """Post through the company's proxy, which wants a login, then through the gate."""
    if lab.parent is not None:
        post(client, lab.parent.port, CALL_HOME, lab.root)
    return post(client, lab.gate.port, CALL_HOME, lab.root)


STORIES: Final = (
    Story(
        client=DemoClient("CUCM Tokyo", "127.0.0.11"),
        happens=N_("It reaches Cisco every day, and did so for a year but for three days."),
        says=N_("All is well. Its page draws the year, with the three days."),
        path=_page_of("CUCM Tokyo"),
        level="ok",
        finding=Code.TRANSPORT_FINE,
        past=daily_contacts(CALL_HOME),
        act=_posts_to(CALL_HOME),
    ),
    Story(
        client=DemoClient("CUCM Osaka", "127.0.0.12"),
        happens=N_("It called every day, and has been silent for 75 days."),
        says=N_("Its authorization ends in two weeks: find out why nothing of it arrives any more."),
        path=_page_of("CUCM Osaka"),
        level="warning",
        past=daily_contacts(CALL_HOME, last=SILENT_DAYS),
    ),
    Story(
        client=DemoClient("CUCM Nagoya", "127.0.0.13"),
        happens=N_("It uses more licences than its account has; somebody kept its `show license all` on its page."),
        says=N_("The overage ends in three weeks: after that no user and no device can be added."),
        path=_page_of("CUCM Nagoya"),
        level="critical",
        finding=Code.TRANSPORT_FINE,
        past=out_of_compliance(CALL_HOME),
        act=_posts_to(CALL_HOME),
    ),
    Story(
        client=DemoClient("CUCM Sapporo", "127.0.0.14", newest=ssl.TLSVersion.TLSv1_2),
        happens=N_("An old release cannot log in to the company's proxy, which answers it with 407 (CSCvh72897)."),
        says=N_("Served: the gate knows it by its address, and logs in at the proxy itself."),
        path=_page_of("CUCM Sapporo"),
        level="ok",
        finding=Code.TRANSPORT_FINE,
        act=_post_past_the_gate_first,
        needs_parent=True,
    ),
    Story(
        client=DemoClient("CUCM Fukuoka", "127.0.0.15"),
        happens=N_("A typing error in its URL: it asks for tool.cisco.com."),
        says=N_("Refused with the reason, before any name is looked up."),
        path=paths.REFUSALS,
        level="warning",
        finding=Code.TARGET_NOT_ALLOWED,
        act=_posts_to(WRONG_HOST),
    ),
    Story(
        client=DemoClient("CUCM Sendai", "127.0.0.16"),
        happens=N_("A new release uses Smart Transport: it asks for smartreceiver.cisco.com."),
        says=N_("Refused: the host is in the preset cucm. Add it to the settings, and the client is served."),
        path=paths.REFUSALS,
        level="warning",
        finding=Code.TARGET_IN_PRESET,
        act=_posts_to(SMART_TRANSPORT),
    ),
    Story(
        client=DemoClient("SSM Kobe", "127.0.0.17", product="SSM"),
        happens=N_("A device on its way to api.cisco.com breaks TLS open and shows a certificate of its own."),
        says=N_("Intercepted: the evidence names who signed. Exempt the host from inspection there."),
        path=paths.REFUSALS,
        level="warning",
        finding=Code.INTERCEPTED,
        past=daily_contacts(INTERCEPTED, last=2),
        act=_posts_to(INTERCEPTED),
        needs_look=True,
    ),
    Story(
        client=DemoClient("CUCM Naha", "127.0.0.18"),
        happens=N_("It lacks the root that signed Cisco's certificate (field notice FN72318)."),
        says=N_("The certificate is good: update the roots of the product."),
        path=paths.REFUSALS,
        level="warning",
        finding=Code.MISSING_ROOT,
        past=daily_contacts(CALL_HOME, last=20),
        act=_post_without_root,
        needs_look=True,
    ),
)
"""Every story, in the order in which it is told."""


def told(*, with_parent: bool) -> tuple[Story, ...]:
    """The stories that can be told with or without a parent proxy."""
    return tuple(story for story in STORIES if with_parent or not story.needs_parent)
