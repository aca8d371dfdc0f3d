"""When a second try with older versions of TLS says something about a server."""

import pytest

from licensegate.probe.exchange import Ended, Exchange
from licensegate.probe.verdict import may_be_too_old


@pytest.mark.parametrize(
    ("seen", "is_worth_it"),
    [
        pytest.param(Exchange(ended=Ended.REFUSED, alert=70, received=7), True, id="refused"),
        pytest.param(Exchange(ended=Ended.FAILED_HERE, received=100), True, id="it chose an old version"),
        pytest.param(Exchange(ended=Ended.CUT), True, id="closed at the hello"),
        pytest.param(Exchange(ended=Ended.CUT, received=1500), False, id="cut in a handshake of today"),
        pytest.param(Exchange(ended=Ended.SILENT), False, id="silent"),
        pytest.param(Exchange(ended=Ended.COMPLETE, received=3000), False, id="complete"),
        pytest.param(Exchange(ended=Ended.REFUSED, alert=116, wants_certificate=True), False, id="wants a certificate"),
    ],
)
def test_old_versions_are_tried_where_the_server_may_know_no_other(seen: Exchange, is_worth_it: bool) -> None:
    assert may_be_too_old(seen) is is_worth_it
