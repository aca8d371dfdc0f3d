"""Says in words what a reload has changed, setting by setting, without passwords and keys."""

from collections.abc import Iterator

from licensegate.app.settings.changes import named, setting_changes
from licensegate.certs.identity import ServerIdentity
from licensegate.ledger.place import LedgerPlace
from licensegate.proxy.auth.users import UserChanges

from .parts import Parts


def changes(before: Parts, served: ServerIdentity | None, after: Parts) -> Iterator[str]:
    """Yield a sentence for each change. `served` is the certificate that was served before."""
    yield from setting_changes(before.settings.written, after.settings.written)
    old, new = before.settings.policy.hash, after.settings.policy.hash
    if old != new:
        yield f"policy {old} replaced by {new}"
    identity = after.certificate.value
    if served is not None and served.fingerprint != identity.fingerprint:
        yield f"a new certificate, SHA-256 {identity.fingerprint}"
    if served is not None and served.client_trust != identity.client_trust:
        yield "other authorities or revocation lists for clients' certificates"
    logins = after.authenticator_reloader
    yield from user_changes(logins.users.changes_since(before.authenticator_reloader.users))
    if logins.shared_key != before.authenticator_reloader.shared_key:
        yield "another key in auth.nonce_key_file"
    if other_login(before.settings.ledger.place, after.settings.ledger.place):
        yield "another password in ledger.url"
    if after.admin_token != before.admin_token:
        yield "another token in admin.token_file"


def other_login(before: LedgerPlace, after: LedgerPlace) -> bool:
    """Whether the two places differ in a password only."""
    return str(before) == str(after) and not before.is_same(after)


def user_changes(users: UserChanges) -> Iterator[str]:
    """Yield a sentence for each kind of change of the users."""
    for what, names in (
        ("added", users.added),
        ("removed", users.removed),
        ("with another password", users.changed),
    ):
        if names:
            yield f"{len(names)} {'user' if len(names) == 1 else 'users'} {what}: {named(names)}"
