"""One line of the allowlist: a host and port that may be reached."""

from msgspec import Struct

from licensegate.allowlist.target import Target


class Rule(Struct, frozen=True):
    """Allows connecting to `host` on `port`.

    `host` is normalised: an exact host, or `*.example.com` for every name below `example.com` and never itself.
    `private` lets the host resolve to addresses that are not public. `preset` names the preset the rule came from and
    is empty for an operator's own. `report` lets the target pass and be recorded as one that would have been refused.
    The last three say what a tunnel must carry, where it is another thing than elsewhere (None).
    """

    host: str
    port: int = 443
    private: bool = False
    preset: str = ""
    report: bool = False
    require_tls: bool | None = None
    match_server_name: bool | None = None
    require_server_name: bool | None = None

    @property
    def domain(self) -> str:
        """The domain below which a wildcard allows every name; empty for an exact host."""
        return self.host[2:] if self.host.startswith("*.") else ""

    def __str__(self) -> str:
        named = Target(self.host, self.port)
        return f"{named} (preset {self.preset})" if self.preset else f"{named}"
