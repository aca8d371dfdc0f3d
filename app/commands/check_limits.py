"""The part of `licensegate check` about limits: warnings about values that refuse what they should not."""

from collections.abc import Iterator
from typing import Final

from licensegate.app.settings import Settings
from licensegate.proxy.settings import Limits

_SHORT_LIFETIME: Final = 60
_RARE: Final = 1 / 60
"""One a minute. Products try again sooner than that when something failed."""


def warnings(settings: Settings) -> Iterator[str]:
    """Warn about valid settings that are probably mistakes."""
    limits, auth = settings.limits, settings.auth
    if 0 < limits.lifetime_seconds < _SHORT_LIFETIME:
        yield (
            f"limits.lifetime_seconds = {limits.lifetime_seconds:g} ends tunnels in which an answer is awaited; "
            "use at least a minute, or 0 for no limit"
        )
    per_client, per_user = limits.connections_per_client_per_second, limits.tunnels_per_user_per_second
    for key, rate in (("connections_per_client_per_second", per_client), ("tunnels_per_user_per_second", per_user)):
        if 0 < rate < _RARE:
            yield f"limits.{key} = {rate:g} allows one in {1 / rate:.0f} s after a burst; use a number per second"
    if per_client and limits.burst == 1 and per_client < 2 and auth.possible:
        yield (
            "limits.burst = 1 refuses the second connection of a client that is asked to log in; use at least 2, "
            "better 10"
        )
    if limits.burst != Limits().burst and not (per_client or per_user):
        yield (
            "limits.burst has no effect; set limits.connections_per_client_per_second or "
            "limits.tunnels_per_user_per_second with it"
        )
    if per_user and not auth.possible and not settings.tls.client_ca:
        yield "limits.tunnels_per_user_per_second has no effect: no client can log in"
