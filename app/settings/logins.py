"""Reads the `[auth]` table and the `auth` of listeners, and checks that the named files allow those logins."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from licensegate.allowlist.client_networks import Network
from licensegate.proxy.auth.digest_hash import md5_works
from licensegate.proxy.auth.scheme import SCHEMES_BY_NAME, Scheme, SchemeName
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.auth.user_files import realm_fault

from .messages import shown
from .schema import AuthTable
from .settings import Auth, SettingsError
from .source import SettingsSource

KEY_FOR: Final = {
    Scheme.BASIC: "htpasswd",
    Scheme.DIGEST_MD5: "htdigest",
    Scheme.DIGEST_SHA_256: "htdigest",
    Scheme.CERTIFICATE: "client_ca",
}
"""The key of `[auth]` with the file that each scheme checks logins against."""


def read_auth(
    table: AuthTable, files: Mapping[str, Path | None], trusted: Sequence[Network], source: SettingsSource
) -> Auth:
    """Build the login settings from the table; `files` are those that it names, by key. Raises SettingsError."""
    if files["client_crl"] and not files["client_ca"]:
        place = source.place("auth.client_crl")
        raise SettingsError(f"{place}: a revocation list without a CA; set auth.client_ca too")
    _check_realm(table.realm, source)
    possible = frozenset(scheme for scheme, key in KEY_FOR.items() if files[key])
    schemes = _schemes(table.schemes, source.place("auth.schemes"), possible) if table.schemes else possible
    schemes |= possible & {Scheme.CERTIFICATE}  # naming an authority enables its certificates
    if table.required and not schemes:
        place = source.place("auth.required")
        raise SettingsError(f"{place}: nobody could log in; set auth.htpasswd, auth.htdigest or auth.client_ca")
    if schemes == {Scheme.DIGEST_MD5} and not md5_works():
        place = source.place("auth.schemes")
        raise SettingsError(f"{place}: this system does not allow MD5 (FIPS mode); use digest-sha-256 or basic")
    return Auth(
        logins=LoginSettings(table.required, schemes, table.realm, tuple(trusted)),
        htpasswd=files["htpasswd"],
        htdigest=files["htdigest"],
        nonce_key_file=files["nonce_key_file"],
        possible=possible,
    )


def read_listener_schemes(
    names: Sequence[SchemeName], number: int, auth: Auth, source: SettingsSource
) -> frozenset[Scheme] | None:
    """Return the schemes of one listener, None for those of `[auth]`. Raises SettingsError."""
    return _schemes(names, source.place("listen", number, "auth"), auth.possible) if names else None


def _schemes(names: Sequence[SchemeName], place: str, possible: frozenset[Scheme]) -> frozenset[Scheme]:
    schemes: set[Scheme] = set()
    for name in names:
        lacking = [KEY_FOR[scheme] for scheme in SCHEMES_BY_NAME[name] if scheme not in possible]
        if lacking:
            raise SettingsError(f"{place}: {shown(name)} has no file to check logins with; set auth.{lacking[0]}")
        schemes.update(SCHEMES_BY_NAME[name])
    return frozenset(schemes)


def _check_realm(realm: str, source: SettingsSource) -> None:
    if fault := realm_fault(realm):
        raise SettingsError(f"{source.place('auth.realm')}: {shown(realm)} is not a valid realm: {fault}")
