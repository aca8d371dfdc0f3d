"""The part of `licensegate check` about this host: what the gate could not use here.

What can never work is a fault. What depends on the user who runs the gate is one only if this is that user.
"""

import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from licensegate.app.settings import Settings
from licensegate.app.terminal import complain
from licensegate.certs.identity import load_identity
from licensegate.certs.key_pair import KEPT_CERTIFICATE, KEPT_KEY

PACKAGED_USER: Final = "licensegate"
"""The user of the packaged unit (deploy/sysusers.conf)."""


def faults(settings: Settings) -> Iterator[str]:
    """What stops any user's gate from starting here. Raises CertificateError for a key pair that cannot be served."""
    yield from _missing_addresses(settings)
    state, folder = settings.state_directory, _log_folder(settings)
    if state is not None and not state.exists() and not state.parent.is_dir():
        yield f"state.directory: {state} cannot be made, because {state.parent} is not a directory; make that first"
    if folder is not None and not folder.is_dir():
        yield f"log.access: {folder} is not a directory; make it for the gate's user"
    elif settings.log.access != "-" and os.path.isdir(settings.log.access):
        yield f"log.access: {settings.log.access} is a directory; name a file in it"
    _load_key_pair(settings)


def lacking_rights(settings: Settings) -> Iterator[str]:
    """What this user may not read or write, but the gate's user must."""
    tls, auth = settings.tls, settings.auth
    read = (tls.certificate, tls.key, tls.client_ca, tls.client_crl, auth.htpasswd, auth.htdigest, auth.nonce_key_file)
    named = (*read, settings.admin.token_file, *(parent.login.password_file for parent in settings.parents.proxies))
    for path in dict.fromkeys(filter(None, named)):
        if not os.access(path, os.R_OK):
            yield f"{path} cannot be read"
    for directory in filter(None, (settings.state_directory, _log_folder(settings))):
        nearest = directory if directory.exists() else directory.parent
        if not os.access(nearest, os.W_OK | os.X_OK):
            yield f"{directory} cannot be written to"


def become(user: str) -> None:
    """Go on as this user, whose rights decide from now on. Raises SystemExit if there is none, or none may be taken."""
    try:
        entry = pwd.getpwnam(user)
        os.setgroups(os.getgrouplist(user, entry.pw_gid))
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except KeyError:
        raise SystemExit(complain(f"--user: there is no user {user} on this host")) from None
    except PermissionError:
        raise SystemExit(complain(f"--user: only root can look as {user}; run this as root")) from None


def has_packaged_user() -> bool:
    """Whether this host has the user of the packaged unit."""
    try:
        pwd.getpwnam(PACKAGED_USER)
    except KeyError:
        return False
    return True


def _missing_addresses(settings: Settings) -> Iterator[str]:
    """Addresses that this host does not have: for listeners that the operator named, and to dial from."""
    admin = settings.admin.listen
    named = {f"listen: {address}": address.host for address in settings.listen if address.named}
    if admin is not None and admin.named:
        named[f"admin.listen: {admin}"] = admin.host
    if settings.dial.source_address:
        named[f"dial.source_address: {settings.dial.source_address}"] = settings.dial.source_address
    for place, host in named.items():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind((host, 0))  # any port: the gate may be running
        except OSError as error:
            yield f"{place} is no address of this host ({error.strerror}); name one that it has"


def _load_key_pair(settings: Settings) -> None:
    """Load what the gate would serve, if this user may read it."""
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None and settings.state_directory is not None:
        certificate, key = (settings.state_directory / name for name in (KEPT_CERTIFICATE, KEPT_KEY))
    if certificate is not None and key is not None and _readable(certificate) and _readable(key):
        load_identity(certificate, key)


def _readable(path: Path) -> bool:
    return os.access(path, os.R_OK)


def _log_folder(settings: Settings) -> Path | None:
    return None if settings.log.access == "-" else Path(settings.log.access).parent
