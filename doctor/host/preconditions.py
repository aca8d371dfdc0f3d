"""What the gate could not use on this host. `licensegate check` and the doctor ask.

What can never work is a fault. What depends on the user who runs the gate is one only if this is that user.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from licensegate.app.settings import Settings
from licensegate.certs.identity import load_identity
from licensegate.certs.key_pair import KEPT_CERTIFICATE, KEPT_KEY
from licensegate.files.read import not_regular
from licensegate.proxy.net.listener import remedy, try_to_bind
from licensegate.proxy.settings import ListenAddress

_PERHAPS_LATER: Final = frozenset({errno.EADDRINUSE, errno.EACCES})
"""Errors of a bind that do not last: the gate itself may have the port, or it may run with more rights."""


def faults(settings: Settings) -> Iterator[str]:
    """What stops any user's gate from starting here. Raises CertificateError for a key pair that cannot be served."""
    for place, address in addresses(settings):
        error = bind_error(address)
        if error is not None and error.errno not in _PERHAPS_LATER:
            yield f"{place}: {remedy(address, error)}"
    yield from _unusable_state(settings)
    for key, path in settings.log.files.items():
        yield from _unusable_log(settings, key, path)
    _load_key_pair(settings)


def lacking_rights(settings: Settings) -> Iterator[str]:
    """What this user may not read or write, but the gate's user must."""
    for place, path in files(settings):
        if path is not None and not os.access(path, os.R_OK):
            yield f"{place}: {path} cannot be read"
    state = settings.state_directory
    if state is not None and settings.state_named and not any(_unusable_state(settings)) and not _may_keep(state):
        yield f"state.directory: {state} cannot be written to"
    for key, log in settings.log.files.items():
        if not any(_unusable_log(settings, key, log)) and not _may_write(log):
            yield f"{key}: {log} cannot be written to"


def needed_at_start(settings: Settings) -> Iterator[str]:
    """What this user or this host lacks now, but may have when the gate starts."""
    for place, address in addresses(settings):
        error = bind_error(address)
        if error is not None and error.errno == errno.EACCES:
            yield f"{place} can be bound only with CAP_NET_BIND_SERVICE, which the packaged unit grants"
    for key, path in settings.log.files.items():
        if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
            yield f"{key}: the pipe {path} needs a reader before the gate starts"


def addresses(settings: Settings) -> Iterator[tuple[str, ListenAddress]]:
    """The addresses that must be bound, each with its place: those that the operator named, and the source of dials."""
    yield from ((f"listen: {address}", address) for address in settings.listen if address.named)
    admin, source = settings.admin.listen, settings.dial.source_address
    if admin is not None and admin.named:
        yield f"admin.listen: {admin}", admin
    if source:
        yield f"dial.source_address: {source}", ListenAddress(source, 0)


def bind_error(address: ListenAddress) -> OSError | None:
    """Why the address cannot be bound; None if it can."""
    try:
        try_to_bind(address)
    except OSError as error:
        return error
    return None


def files(settings: Settings) -> Iterator[tuple[str, Path | None]]:
    """The files that the gate reads, each with its place."""
    tls, auth = settings.tls, settings.auth
    yield "tls.certificate", tls.certificate
    if tls.key != tls.certificate:
        yield "tls.key", tls.key
    yield "auth.client_ca", tls.client_ca
    yield "auth.client_crl", tls.client_crl
    yield "auth.htpasswd", auth.htpasswd
    yield "auth.htdigest", auth.htdigest
    yield "auth.nonce_key_file", auth.nonce_key_file
    yield "admin.token_file", settings.admin.token_file
    yield "probe.roots", settings.looks.roots
    syslog = settings.log.syslog
    yield "log.syslog_ca", syslog.ca
    yield "log.syslog_certificate", syslog.certificate
    if syslog.key != syslog.certificate:
        yield "log.syslog_key", syslog.key
    yield from ((f"the rule for {rule}, ca", Path(rule.ca)) for rule in settings.policy.rules if rule.ca)
    for number, parent in enumerate(settings.parents.proxies, 1):
        yield f"parent, item {number}, ca", parent.ca
        yield f"parent, item {number}, password_file", parent.login.password_file
        yield f"parent, item {number}, keytab", parent.login.keytab


def _unusable_state(settings: Settings) -> Iterator[str]:
    """Why no user could keep state where the operator wants it. Without the packaged directory the gate starts, too."""
    state = settings.state_directory
    if state is None or not settings.state_named:
        return
    error = _directory_error(state)
    if error == errno.ENOENT and not os.path.lexists(state):  # the gate makes it
        if _directory_error(state.parent):
            yield f"state.directory: {state} cannot be made, because {state.parent} is not a directory; make that first"
    elif error:
        yield f"state.directory: {state} is not a directory ({os.strerror(error)}); name one, or remove the file"


def _may_keep(state: Path) -> bool:
    """Whether this user may read the key that is kept there, or keep one."""
    key = state / KEPT_KEY
    if os.path.exists(key):
        return os.access(key, os.R_OK) and os.access(state / KEPT_CERTIFICATE, os.R_OK)
    return os.access(state if os.path.exists(state) else state.parent, os.W_OK | os.X_OK)


def _unusable_log(settings: Settings, key: str, path: str) -> Iterator[str]:
    """Why no user could write the log that this key names. A pipe may get its reader later."""
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        return
    except OSError as error:
        folder = _folder(path)
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            yield f"{key}: {path}: {error.strerror}; name another file"
        elif folder != settings.state_directory and _directory_error(folder):  # the gate makes that one
            yield f"{key}: {folder} is not a directory; make it for the gate's user"
    else:
        if stat.S_ISDIR(mode):
            yield f"{key}: {path} is a directory; name a file in it"
        elif stat.S_ISSOCK(mode):
            yield f"{key}: {path}: {not_regular(mode)}; name a file, or a syslog:// URL"


def _may_write(log: str) -> bool:
    """Whether this user may write the log, or make it. A missing folder is the state directory."""
    folder = _folder(log)
    return os.access(log if os.path.exists(log) else folder, os.W_OK) or not os.path.lexists(folder)


def _folder(log: str) -> Path:
    """Where the file would be made, links followed."""
    return Path(os.path.realpath(log)).parent


def _directory_error(path: Path) -> int:
    """The errno that says why this is not a directory; 0 if it is, or if this user may not know."""
    try:
        return 0 if stat.S_ISDIR(os.stat(path).st_mode) else errno.ENOTDIR
    except PermissionError:
        return 0
    except OSError as error:
        return error.errno or errno.EIO


def _load_key_pair(settings: Settings) -> None:
    """Load what the gate would serve, if this user may read it."""
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None and settings.state_directory is not None:
        certificate, key = (settings.state_directory / name for name in (KEPT_CERTIFICATE, KEPT_KEY))
        if not os.path.exists(key):  # the gate makes one
            return
    if certificate is not None and key is not None and not any(map(_is_unreadable, (certificate, key))):
        load_identity(certificate, key)


def _is_unreadable(path: Path) -> bool:
    return os.path.exists(path) and not os.access(path, os.R_OK)
