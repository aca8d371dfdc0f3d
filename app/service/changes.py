"""Finds what a reload has changed, setting by setting, and in the files that the settings name. No secret is in it."""

from collections.abc import Iterator

from licensegate.app.settings.changes import from_defaults, setting_changes
from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.ledger.place import LedgerPlace
from licensegate.proxy.auth.users import Users
from licensegate.records.change import InForce
from licensegate.records.setting_change import CERTIFICATE, CLIENT_AUTHORITIES, USERS, SettingChange, in_words

from .parts import Parts, settings_hash


def changes(before: Parts, served: ServerIdentity | None, users: Users, after: Parts) -> Iterator[SettingChange]:
    """Yield each change. `served` is the certificate that was served before, and `users` could log in."""
    yield from setting_changes(before.settings.written, after.settings.written)
    if served is not None:
        yield from certificate_changes(served, after.certificate.value)
    logins = after.authenticator_reloader
    yield from user_changes(users, logins.users)
    if logins.shared_key != before.authenticator_reloader.shared_key:
        yield SettingChange("auth.nonce_key_file", hidden="key")
    if other_login(before.settings.ledger.place, after.settings.ledger.place):
        yield SettingChange("ledger.url", hidden="password")
    if after.admin_token != before.admin_token:
        yield SettingChange("admin.token_file", hidden="token")


def at_start(parts: Parts) -> Iterator[SettingChange]:
    """Yield how a gate that starts differs from one with the built-in defaults, and what its files hold."""
    yield from from_defaults(parts.settings.written)
    identity, users = parts.certificate.value, parts.authenticator_reloader.users
    yield SettingChange(CERTIFICATE, after=_certificate(identity))
    if identity.client_trust:
        yield SettingChange(CLIENT_AUTHORITIES, after=identity.client_trust)
    if users.names:
        yield SettingChange(USERS, added=tuple(users.names))


def in_force(parts: Parts) -> InForce:
    """The hashes of what is in force."""
    return InForce(settings_hash(parts), parts.settings.policy.hash)


def sentences(found: tuple[SettingChange, ...], before: InForce, after: InForce) -> str:
    """The changes in words."""
    said = in_words(found)
    if before.policy != after.policy:
        said.append(f"policy {before.policy} replaced by {after.policy}")
    return "; ".join(said) or "nothing has changed"


def certificate_changes(before: ServerIdentity, after: ServerIdentity) -> Iterator[SettingChange]:
    """Yield the change of the gate's certificate, and that of the authorities and revocation lists for clients'."""
    if before.fingerprint != after.fingerprint:
        yield SettingChange(CERTIFICATE, before=_certificate(before), after=_certificate(after))
    if before.client_trust != after.client_trust:
        yield SettingChange(CLIENT_AUTHORITIES, before=before.client_trust or None, after=after.client_trust or None)


def user_changes(before: Users, after: Users) -> Iterator[SettingChange]:
    """Yield the change of the users, if there is one."""
    users = after.changes_since(before)
    if users.added or users.removed or users.changed:
        yield SettingChange(USERS, added=users.added, removed=users.removed, another=users.changed)


def other_login(before: LedgerPlace, after: LedgerPlace) -> bool:
    """Whether the two places differ in a password only."""
    return str(before) == str(after) and not before.is_same(after)


def _certificate(identity: ServerIdentity) -> dict[str, str]:
    try:
        return {"sha256": identity.fingerprint, "not_after": f"{identity.not_after:%Y-%m-%dT%H:%M:%SZ}"}
    except CertificateError:  # only OpenSSL can read it
        return {"sha256": identity.fingerprint}
