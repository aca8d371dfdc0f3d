"""Makes one look at a target: through the gate, with a second try at older versions of TLS where that tells more."""

import contextlib
import socket
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import structs

from licensegate.allowlist.target import Target
from licensegate.certs.chain import ChainJudge
from licensegate.certs.trust_stores import (
    INTERMEDIATES,
    has_system_store,
    own_store,
    public_store,
    read_certificates,
    system_store,
)
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.target_verdict import TargetVerdict

from .exchange import Exchange, Versions, exchange
from .job import LookJob
from .link import Link
from .tunnel import NotReachedError, open_tunnel
from .verdict import judge, may_be_too_old, skew_of

LOOK_SECONDS: Final = 18.0
"""How long one look may take in all. The gate ends its process two seconds later."""


def look(job: LookJob) -> TargetReport:
    """Look at the job's target. Raises CertificateError for a file that it names."""
    began, now = time.monotonic(), datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        links = [Link(socket.socket(fileno=descriptor), began + LOOK_SECONDS) for descriptor in job.connections]
        for link in links:
            stack.callback(link.close)
        report = _look(job, Target(job.host, job.port), links, now)
    return structs.replace(report, total_ms=round((time.monotonic() - began) * 1000, 1))


def _look(job: LookJob, target: Target, links: list[Link], now: datetime) -> TargetReport:
    judge_chain = _chain_judge(job)
    first, second = links
    try:
        seen = _exchange(first, target, Versions.CURRENT)
    except NotReachedError as error:
        return TargetReport(str(target), now, TargetVerdict.NOT_REACHED, str(error), outcome=error.outcome)
    older = None
    if may_be_too_old(seen):
        with contextlib.suppress(NotReachedError):  # the first try says enough
            older = _exchange(second, target, Versions.OLD)
    found = judge(seen, judge_chain, target.host, now, older)
    if found.verdict is TargetVerdict.SERVER_TOO_OLD and older is not None:
        seen = older
    skew, chain = skew_of(seen), found.judged
    return TargetReport(
        str(target),
        now,
        found.verdict,
        found.detail,
        chain=() if chain is None else chain.chain,
        system_trusts=None if chain is None else chain.system_trusts,
        looks_intercepted=chain is not None and chain.looks_intercepted,
        tls_version=seen.tls_version,
        flight_bytes=seen.flight_bytes,
        ticket_bytes=seen.ticket_bytes,
        skew_seconds=None if skew is None else round(skew.total_seconds(), 1),
        http_status=seen.http_status,
    )


def _exchange(link: Link, target: Target, versions: Versions) -> Exchange:
    open_tunnel(link, str(target), LOOK_SECONDS)
    return exchange(link, target.host, versions, is_address=target.is_address)


def _chain_judge(job: LookJob) -> ChainJudge:
    more_roots = read_certificates(Path(job.roots)) if job.roots else []
    own = read_certificates(Path(job.ca)) if job.ca else []
    return ChainJudge(
        partial(public_store, more_roots),
        system_store if has_system_store() else None,
        partial(own_store, own) if own else None,
        read_certificates(INTERMEDIATES),
        is_own=job.is_own,
    )
