"""Requests that a command of another release may send."""

import asyncio
from typing import Any

import pytest

from licensegate.app.service.control_protocol import Reply, Request, RevocationRequest
from licensegate.app.service.revoke_requests import answer_revoke
from licensegate.records.requester import Requester

NEVER_ASKED: Any = None


@pytest.mark.parametrize(
    ("revocation", "reason"),
    [
        (None, "the request does not say which tunnels"),
        (RevocationRequest(dry_run=True), "the request does not say which tunnels"),
        (RevocationRequest(hosts=("https://x/",)), "'https://x/' is not a host"),
        (RevocationRequest(networks=("somewhere",)), "'somewhere' is not a network"),
    ],
    ids=["nothing", "only --dry-run", "a URL", "no network"],
)
def test_a_request_that_cannot_be_read_ends_nothing(revocation: RevocationRequest | None, reason: str) -> None:
    reply = asyncio.run(answer_revoke(NEVER_ASKED, NEVER_ASKED, Requester(0), Request("revoke", revocation=revocation)))

    assert isinstance(reply, Reply)
    assert (reply.ok, reply.message.startswith(f"refused: {reason}")) == (False, True)
