"""Settings of the parent proxies. Frozen values, no I/O."""

import enum
from pathlib import Path

from msgspec import Struct

from licensegate.allowlist.target import authority
from licensegate.records.secret import Secret

from .protocol.scheme import ParentScheme


class ParentAuth(enum.StrEnum):
    """How the gate logs in to a parent proxy: `auto` takes the strongest scheme offered, `none` never logs in."""

    AUTO = "auto"
    NONE = "none"
    BASIC = ParentScheme.BASIC.value
    DIGEST = ParentScheme.DIGEST.value
    NTLM = ParentScheme.NTLM.value
    NEGOTIATE = ParentScheme.NEGOTIATE.value


class ParentLogin(Struct, frozen=True):
    """The gate's login at a parent proxy.

    The password is in `password_file`, which is read again when it changes, or it is `password`, the value of the
    environment variable `password_env` at the start. Kerberos tickets are fetched with the password or `keytab`, or
    read from `ticket_cache`, a cache name as the system's Kerberos library takes it.
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
        """Whether there is a password, from a file or the environment."""
        return self.password_file is not None or self.password is not None


class ParentTarget(enum.StrEnum):
    """What a parent is asked for: the target's name unchecked, the name once its addresses are checked, or an address.

    For the last two the gate looks the name up, and refuses it as it would without a parent.
    """

    NAME = "name"
    CHECKED = "checked"
    ADDRESS = "address"


class ParentProxy(Struct, frozen=True):
    """One parent proxy.

    `tls` is TLS to the parent itself, verified with the roots in `ca`, by default the system's. If it has not opened a
    tunnel after `seconds`, the next parent is tried. Some parents refuse a CONNECT without a `user_agent`.
    """

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    login: ParentLogin = ParentLogin()
    target: ParentTarget = ParentTarget.NAME
    seconds: float = 5
    user_agent: str = "LicenseGate"

    @property
    def address(self) -> str:
        """Host and port."""
        return authority(self.host, self.port)

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"


class ParentSettings(Struct, frozen=True):
    """The parent proxies in the order in which they are tried.

    `direct` allows dialling targets directly if no parent can be used; without parents it is always true.
    """

    proxies: tuple[ParentProxy, ...] = ()
    direct: bool = True
