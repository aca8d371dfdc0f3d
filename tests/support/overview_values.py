"""Values of the overview, as the pages show them. Imports the gate's code."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from licensegate.app.overview.attention import Attention
from licensegate.app.overview.clients import (
    ClientDetail,
    ClientList,
    ClientRow,
    ContactRow,
    DayRow,
    DeadlineRow,
    EntitlementRow,
    EvidenceSheet,
    LicenseStateRow,
    ManualRow,
    ProductTextRow,
    ProgramRow,
)
from licensegate.app.overview.gate_summary import GateSummary, LedgerSummary
from licensegate.app.overview.overview import Overview
from licensegate.app.overview.refusals import RefusalList, RefusalRow
from licensegate.app.overview.targets import TargetList, TargetRow
from licensegate.app.overview.tunnels import TunnelList, TunnelRow

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANSWER: dict[str, Any] = {"schema": 1, "language": "en", "made_at": NOON}


def days(number: float) -> datetime:
    """A time so many days after NOON."""
    return NOON + timedelta(days=number)


def deadline(name: str, after: float, **more: Any) -> DeadlineRow:
    """One of a client's dates, so many days after NOON."""
    said: dict[str, Any] = {"word": name, "meaning": f"{name} comes", "printed": False, "level": "ok"}
    return DeadlineRow(name=name, at=days(after), days_left=int(after // 1), **said | more)


def client_row(name: str = "CUCM Osaka", **more: Any) -> ClientRow:
    """A client that has been silent for 75 days, and whose last contact failed."""
    said: dict[str, Any] = {
        "key": f"named:{name}",
        "kind": "named",
        "kind_word": "named in the settings",
        "level": "critical",
        "level_word": "critical",
        "sentence": f"{name} has made no contact for 75 days.",
        "product": "CUCM",
        "addresses": ["10.20.30.41"],
        "program": name,
        "last_contact": days(-75),
        "last_failure": days(-0.1),
        "deadlines": [deadline("contact", -45), deadline("authorization", 15), deadline("overage", 105)],
        "enforced": days(15),
        "finding_sentence": f"{name} rejected the certificate.",
    }
    return ClientRow(name=name, **said | more)


def refusal_row(name: str = "CUCM Osaka") -> RefusalRow:
    """A failed connection of this client."""
    return RefusalRow(
        id="d28a81cbac00000001",
        time=days(-0.1),
        client="10.20.30.41",
        client_name=name,
        client_key=f"named:{name}",
        target=name,
        outcome="target_not_allowed",
        sentence=f"{name} is not in the allowlist.",
        remedy=f"Add a rule for {name}.",
        evidence=name,
        cucm=("communication send error",),
    )


def tunnel_row(name: str = "CUCM Osaka") -> TunnelRow:
    """An open connection of this client."""
    return TunnelRow(
        id="d28a81cbac00000002",
        client="10.20.30.41",
        client_port=51022,
        client_name=name,
        client_key=f"named:{name}",
        target=name,
        state="relaying",
        state_word="tunnel",
        since=days(-0.01),
        seconds=864,
        bytes_from_client=5234,
        bytes_to_client=812,
        program=name,
        parent=name,
    )


def overview(name: str = "CUCM Osaka") -> Overview:
    """A gate with one of everything; texts of others contain `name`."""
    return Overview(
        **ANSWER,
        level="critical",
        level_word="critical",
        headline="2 things need attention.",
        attention=[
            Attention(
                level="critical",
                level_word="critical",
                about="client",
                code="silent",
                name=name,
                key=f"named:{name}",
                sentence=f"{name} is silent.",
                remedy=f"Look at {name}.",
                until=days(15),
            ),
            Attention(
                level="warning",
                level_word="warning",
                about="gate",
                code="full",
                name="",
                sentence="The gate is nearly full.",
                remedy="Raise limits.tunnels.",
            ),
        ],
        attention_total=3,
        gate=GateSummary(
            version="0.1.0",
            state="ready",
            state_word="ready",
            started=days(-1),
            listeners=["127.0.0.1:3128"],
            connections=1,
            connections_limit=100,
            waiting=0,
            tunnels=1,
            mode="enforce",
            rules=3,
            certificate_ends=None,
            settings="/etc/licensegate.toml",
            log_lines_dropped={},
            ledger=LedgerSummary(state="working", state_word="contacts are kept"),
        ),
        targets=targets(name).targets,
        clients=[client_row(name)],
        clients_total=1,
        clients_by_level={"critical": 1},
        refusals=[refusal_row(name)],
        refusals_total=2,
        tunnels=[tunnel_row(name)],
    )


def targets(name: str = "tools.cisco.com:443") -> TargetList:
    """A target that is reached, and one that is not."""
    good = TargetRow(
        target=name,
        level="ok",
        level_word="all right",
        reached=True,
        state="reached",
        reached_at=days(-0.01),
        verdict="public",
        verdict_text="signed by a public authority",
        certificate_days=143.2,
        skew_seconds=-90,
        tls_version="TLSv1.3",
    )
    bad = TargetRow(
        target="api.cisco.com:443",
        level="critical",
        level_word="critical",
        reached=False,
        state="not reached",
        failed_at=days(-0.01),
        sentence="api.cisco.com:443 did not answer.",
        remedy="Look for a firewall.",
    )
    return TargetList(**ANSWER, targets=[good, bad])


def client_list(*clients: ClientRow, query: str = "") -> ClientList:
    """A page of clients."""
    return ClientList(
        **ANSWER,
        query=query,
        page=1,
        pages=2,
        total=len(clients),
        by_level={"critical": len(clients)},
        complete=False,
        clients=list(clients),
    )


def client_detail(name: str = "CUCM Osaka") -> ClientDetail:
    """Everything of one client; texts of others contain `name`."""
    return ClientDetail(
        **ANSWER,
        complete=True,
        client=client_row(name),
        days=[day_row(date(2026, 9, 14), 3), day_row(date(2026, 11, 29), 0)],
        targets=[ContactRow(target=name, first_success=days(-300), last_success=days(-75), sentence=name)],
        manual=[manual_row(name)],
        state=LicenseStateRow(
            said=days(-80),
            by="text",
            registration="registered",
            authorization="authorized",
            registration_word="registered",
            authorization_word="authorized",
            level="ok",
            level_word="all right",
            meaning="Registered and authorized.",
            remedy="Nothing.",
            blocked="",
            source="Cisco document 212883",
            entitlements=[EntitlementRow(name=name, count=1240, status=name, status_word=name)],
        ),
        text=ProductTextRow(received=days(-80), recorded_by=name, text=name, notes=["A line could not be read."]),
        programs=[
            ProgramRow(
                address="10.20.30.41",
                user_agent=name,
                http_version="1.1",
                fields=("Host", name),
                host_form="host",
                server_name_sent=True,
                alpn=(name,),
                tls_version="1.2",
                refusal_taken="closed",
                connections=12,
                first_seen=days(-3),
                last_seen=days(-0.1),
            )
        ],
        refusals=[refusal_row(name)],
    )


def day_row(day: date, answered: int) -> DayRow:
    """A day of four connections."""
    return DayRow(day=day, connections=4, answered=answered, failed=4 - answered, from_client=600, to_client=500)


def manual_row(name: str) -> ManualRow:
    """A contact by hand."""
    return ManualRow(
        what="contact", word="files carried", time=days(-90), recorded=days(-89), recorded_by=name, note=name
    )


def evidence(name: str = "CUCM Osaka") -> EvidenceSheet:
    """A sheet of November 2026."""
    return EvidenceSheet(
        **ANSWER,
        client=client_row(name),
        month=date(2026, 11, 1),
        days=[day_row(date(2026, 11, number), number % 3) for number in range(1, 31)],
        targets=[],
        manual=[manual_row(name)],
        connections=120,
        answered=30,
        failed=90,
        days_with_contact=20,
        longest_gap_days=1,
        gate="gate.example.net",
        ledger=name,
    )


def refusals(name: str = "CUCM Osaka") -> RefusalList:
    """One refusal."""
    return RefusalList(**ANSWER, refusals=[refusal_row(name)])


def tunnels(name: str = "CUCM Osaka") -> TunnelList:
    """One open connection, on the first of two pages."""
    return TunnelList(**ANSWER, page=1, pages=2, open=1, tunnels=[tunnel_row(name)])


def every_page(name: str = "CUCM Osaka") -> dict[str, dict[str, object]]:
    """What each template is given."""
    return {
        "overview.html": {"overview": overview(name)},
        "clients.html": {"shown": client_list(client_row(name), query=name)},
        "client.html": {"shown": client_detail(name), "typed": {"text": name, "note": name}},
        "refusals.html": {"shown": refusals(name)},
        "tunnels.html": {"shown": tunnels(name)},
        "evidence.html": {"shown": evidence(name), "months": ["2026-10", "2026-11"]},
        "login.html": {"can_sign_in": True, "next": name},
        "problem.html": {"status": 404, "heading": "No such page", "sentence": name},
    }
