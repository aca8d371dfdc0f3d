"""Settings of the parent proxies. Frozen values, no I/O."""

import enum
from pathlib import Path

from msgspec import Struct

from licensegate.allowlist.target import authority
from licensegate.records.secret import Secret

from .protocol.scheme import ParentScheme


class ParentAuth(enum.StrEnum):
    """How the gate logs in to a parent proxy: by the strongest way that it offers, not at all, or in one way only."""

    AUTO = "auto"
    NONE = "none"
    BASIC = ParentScheme.BASIC.value
    DIGEST = ParentScheme.DIGEST.value
    NTLM = ParentScheme.NTLM.value
    NEGOTIATE = ParentScheme.NEGOTIATE.value


class ParentLogin(Struct, frozen=True):
    """Who the gate is at a parent proxy.

    The password is that of `password_file`, which is read again when it changes, or `password`, the value of the
    environment variable `password_env` at the start. Kerberos tickets are fetched by the password or `keytab`, or
    found in `ticket_cache`, a name that the system's Kerberos library takes.
    """

    auth: ParentAuth = ParentAuth.AUTO
    username: str = ""
    password_file: Path | None = None
    password_env: str = ""
    password: Secret | None = None
    keytab: Path | None = None
    ticket_cache: str = ""

    @property
    def has_password(self) -> bool:
        """Whether there is one, however it is read."""
        return self.password_file is not None or self.password is not None


class ParentTarget(enum.StrEnum):
    """What a parent is asked for: the target's name as it is, the same if its addresses may be dialled, or one of them.

    For the last two the gate resolves the name itself, and refuses it as it does without a parent.
    """

    NAME = "name"
    CHECKED = "checked"
    ADDRESS = "address"


class ParentProxy(Struct, frozen=True):
    """One corporate proxy that targets are reached through.

    `tls` is TLS to the parent itself, by certificates of `ca`, by default those that the system trusts. After `seconds`
    without the tunnel the next parent is tried, if there is one.
    """

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    login: ParentLogin = ParentLogin()
    target: ParentTarget = ParentTarget.NAME
    seconds: float = 5

    @property
    def address(self) -> str:
        """Host and port."""
        return authority(self.host, self.port)

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"


class ParentSettings(Struct, frozen=True):
    """The parent proxies, in the order in which they are tried.

    `direct` allows dialling targets directly if no parent can be used. Without any parent the gate always does.
    """

    proxies: tuple[ParentProxy, ...] = ()
    direct: bool = True
