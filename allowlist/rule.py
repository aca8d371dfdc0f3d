"""One line of the allowlist: a host and port that may be reached."""

from msgspec import Struct

from licensegate.allowlist.target import Target


class Rule(Struct, frozen=True):
    """Allows connecting to `host` on `port`.

    `host` is normalised: an exact host, or `*.example.com` for every name below `example.com` and never itself.
    `private` lets the host resolve to addresses that are not public. `preset` names the preset the rule came from and
    is empty for an operator's own.
    """

    host: str
    port: int = 443
    private: bool = False
    preset: str = ""

    @property
    def target(self) -> Target:
        """What the rule names, as a target; for a wildcard, its host keeps the `*.`."""
        return Target(self.host, self.port)

    def __str__(self) -> str:
        return f"{self.target} (preset {self.preset})" if self.preset else str(self.target)
