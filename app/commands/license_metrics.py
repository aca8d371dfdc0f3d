"""What reports mean, as metrics for node_exporter's textfile collector."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from licensegate.licensing.clocks import Level
from licensegate.licensing.meaning import Explained
from licensegate.licensing.report import LicenseReport

_PREFIX: Final = "licensegate_license"
_LEVELS: Final = "0 ok, 1 unknown, 2 warning, 3 critical"


def metrics(outputs: Iterable[tuple[str, LicenseReport, Explained]]) -> str:
    """The metrics of several files, each labelled with its file and its product's serial number."""
    registry = CollectorRegistry()
    product = ("file", "pid", "serial")

    def gauge(name: str, text: str, *more: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, (*product, *more), registry=registry)

    level = gauge("level", f"How urgent the state of the licences is: {_LEVELS}.")
    blocked = gauge("enforced", "1 if something is blocked now.")
    earliest = gauge("enforcement_timestamp_seconds", "Earliest time at which something is blocked.")
    deadline = gauge("deadline_timestamp_seconds", "When a deadline is due.", "deadline", "origin")
    contact = gauge("last_success_timestamp_seconds", "When a contact last succeeded.")
    licences = gauge("entitlement_count", "How many of a licence are in use.", "entitlement", "status")
    failures = gauge("failures", "How many different failures the product reports.")
    for name, report, explained in outputs:
        meaning = explained.meaning
        labels = (name, report.product.pid or "", report.product.serial or "")
        level.labels(*labels).set(Level[meaning.level.upper()])
        blocked.labels(*labels).set(meaning.enforced == "now")
        failures.labels(*labels).set(len(report.failures))
        if meaning.enforced_at is not None:
            earliest.labels(*labels).set(meaning.enforced_at.timestamp())
        if meaning.last_success is not None:
            contact.labels(*labels).set(meaning.last_success.timestamp())
        for each in reversed(explained.deadlines):  # of two with one name the earlier counts
            deadline.labels(*labels, each.name, "printed" if each.printed else "estimated").set(each.due.timestamp())
        for entitlement in report.entitlements:
            if entitlement.count is not None:
                name_or_tag = entitlement.tag or entitlement.name or ""
                licences.labels(*labels, name_or_tag, entitlement.status or "").inc(entitlement.count)
    return generate_latest(registry).decode()
