"""Targets as people type them."""

import pytest

from licensegate.allowlist.target import TargetError
from licensegate.app.commands.target_argument import target_argument


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tools.cisco.com", "tools.cisco.com:443"),
        ("Tools.Cisco.com.", "tools.cisco.com:443"),
        ("ssm.example.net:8443", "ssm.example.net:8443"),
        ("[2001:db8::1]", "[2001:db8::1]:443"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_a_target_without_a_port_means_https(typed: str, meant: str) -> None:
    assert str(target_argument(typed)) == meant


@pytest.mark.parametrize("typed", ["", "https://tools.cisco.com", "tools.cisco.com:", "a b", "tools.cisco.com:port"])
def test_what_is_no_target_is_refused(typed: str) -> None:
    with pytest.raises(TargetError):
        target_argument(typed)
