"""The parts of a gate that are read from files: settings, certificate, users, token.

They are read off the event loop, at the start and at a reload, and then put in force at once.
"""

import contextlib
import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.app.admin.access import read_token
from licensegate.app.settings import Settings
from licensegate.app.settings.secrecy import without_logins
from licensegate.certs.identity import SOON, ServerIdentity
from licensegate.certs.load_or_create import load_or_create_identity
from licensegate.certs.pem import CertificateError
from licensegate.files.watch import FileWatch

from .authenticator_reloader import AuthenticatorReloader
from .state_directory import usable_state_directory

_HASH_DIGITS: Final = 12

_log = logging.getLogger(__name__)


class Parts(Struct, frozen=True):
    """What was read. `admin_token` is empty without one."""

    settings: Settings
    certificate: FileWatch[ServerIdentity]
    authenticator_reloader: AuthenticatorReloader
    admin_token: str


def read_parts(settings: Settings, in_force: Parts | None = None) -> Parts:
    """Read the files that these settings name; `in_force` are the parts that the new ones replace.

    Raises CertificateError, LoginFileError or SettingsError, and changes nothing then.
    """
    if in_force is None:
        certificate = _open_certificate(settings)
        authenticator_reloader = AuthenticatorReloader(settings.auth)
    else:
        if _same_certificate(settings, in_force.settings):
            certificate = in_force.certificate
            certificate.reload()
        else:
            certificate = _open_certificate(settings)
        authenticator_reloader = in_force.authenticator_reloader.successor(settings.auth)
    token_file = settings.admin.token_file
    return Parts(settings, certificate, authenticator_reloader, read_token(token_file) if token_file else "")


def settings_hash(parts: Parts) -> str:
    """Return a short hash of everything in force except logins and keys: it must not help to guess them.

    It covers each setting, the gate's certificate, the authorities for clients' certificates, and the names of users.
    The same in every process and release of Python (`docs/changes.md` says how to compute it).
    """
    identity, users = parts.certificate.value, parts.authenticator_reloader.users
    settings = {key: without_logins(key, value) for key, value in parts.settings.written.items()}
    public = (settings, identity.fingerprint, identity.client_trust, users.names)
    return hashlib.sha256(msgspec.json.encode(public, order="deterministic")).hexdigest()[:_HASH_DIGITS]


def warn_of_expiry(identity: ServerIdentity) -> None:
    """Log a warning if the certificate has expired or will soon."""
    with contextlib.suppress(CertificateError):  # only OpenSSL can read it
        left = identity.not_after - datetime.now(UTC)
        if left < SOON:
            expires = "expired" if left < timedelta() else "expires"
            _log.warning(
                "the certificate %s %s on %s: replace it", identity.source, expires, f"{identity.not_after:%F}"
            )


def _open_certificate(settings: Settings) -> FileWatch[ServerIdentity]:
    tls = settings.tls
    state = usable_state_directory(settings.state_directory, named=settings.state_named)
    watch = load_or_create_identity(tls.certificate, tls.key, tls.names, tls.client_ca, state, tls.client_crl)
    _log.info("TLS to the gate uses the certificate %s, SHA-256 %s", watch.value.source, watch.value.fingerprint)
    warn_of_expiry(watch.value)
    return watch


def _same_certificate(new: Settings, old: Settings) -> bool:
    """Whether both settings name the same certificate. One that the gate made in memory must survive a reload."""
    return (new.tls, new.state_directory) == (old.tls, old.state_directory)
