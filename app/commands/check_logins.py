"""The part of `licensegate check` about logins: the settings in force, and warnings about probable mistakes."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from licensegate.app.settings import Auth, Settings
from licensegate.app.settings.file_checks import others_may_read
from licensegate.app.settings.logins import KEY_FOR
from licensegate.certs.identity import server_context
from licensegate.proxy.auth.scheme import ANSWERED_BY_JAVA, BY_CHALLENGE, Scheme
from licensegate.proxy.auth.user_files import read_nonce_key, read_users
from licensegate.proxy.auth.users import Users


def lines(settings: Settings) -> list[str]:
    """Describe the login settings, as lines to print. Raises LoginFileError for a file that cannot be used."""
    auth = settings.auth
    if not auth.possible:
        return ["no logins"]
    users = _users_of(auth)
    said = [
        "required" if auth.logins.required else "not required, but checked if sent",
        f"by {_named(auth.logins.schemes)}",
        *(f"at {each} by {_named(each.schemes)}" for each in settings.listen if each.schemes is not None),
        f"realm {auth.logins.realm}",
        *_file_line(auth.htpasswd, "by password", None if users is None else users.with_password),
        *_file_line(auth.htdigest, "by Digest", None if users is None else users.with_digest),
        f"nonces signed with the key in {auth.nonce_key_file}"
        if auth.nonce_key_file
        else "nonces signed with the gate's own key",
    ]
    if settings.tls.client_ca:
        revoked = f", except those in {settings.tls.client_crl}" if settings.tls.client_crl else ""
        said.append(f"certificates of {settings.tls.client_ca}{revoked}")
    if auth.logins.trusted_networks:
        said.append(f"no login needed from {' and '.join(map(str, auth.logins.trusted_networks))}")
    return said


def warnings(settings: Settings) -> Iterator[str]:
    """Warn about valid settings that are probably mistakes. Raises LoginFileError and CertificateError."""
    auth = settings.auth
    users = _users_of(auth)
    if users is not None:
        yield from users.notes
    for path in filter(None, (auth.htpasswd, auth.htdigest, auth.nonce_key_file)):
        if others_may_read(path):
            yield f"{path}: every user of this machine can read it; run chmod o= on it"
    for network in auth.logins.trusted_networks:
        if network.prefixlen == 0:
            yield f"auth.trusted_networks holds {network}: nobody needs to log in"
    yield from _scheme_warnings(settings)
    yield from _rule_warnings(settings, users)
    yield from _revocation_warnings(settings.tls.client_ca, settings.tls.client_crl)


def _revocation_warnings(client_ca: Path | None, client_crl: Path | None) -> Iterator[str]:
    """Warn about problems of the revocation lists. Raises CertificateError if the gate would not start."""
    if client_ca is None or not all(os.access(path, os.R_OK) for path in (client_ca, client_crl) if path):
        return
    server_context(client_ca, client_crl)
    if client_crl is not None:
        from licensegate.certs.revocation import review_revocation

        yield from review_revocation(client_crl, client_ca, datetime.now(UTC))


def _users_of(auth: Auth) -> Users | None:
    """Return the users; None if only the gate may read the files. Raises LoginFileError."""
    files = [path for path in (auth.htpasswd, auth.htdigest, auth.nonce_key_file) if path is not None]
    if not all(os.access(path, os.R_OK) for path in files):
        return None
    if auth.nonce_key_file is not None:
        read_nonce_key(auth.nonce_key_file)
    return read_users(auth.htpasswd, auth.htdigest, auth.logins.realm)


def _scheme_warnings(settings: Settings) -> Iterator[str]:
    auth = settings.auth
    everywhere = [auth.logins.schemes, *(each.schemes for each in settings.listen if each.schemes is not None)]
    used = frozenset().union(*everywhere)
    for key in ("htpasswd", "htdigest"):
        its_schemes = frozenset(scheme for scheme, name in KEY_FOR.items() if name == key)
        if getattr(auth, key) and not used & its_schemes:
            yield f"auth.{key} is set, but no list of schemes includes {_named(its_schemes)}"
    for offered in dict.fromkeys(schemes & BY_CHALLENGE for schemes in everywhere):
        if offered and not offered & ANSWERED_BY_JAVA:
            yield f"only {_named(offered)} is offered, which Java does not use for a tunnel by default; add digest"
    for_users = any(rule.users for rule in settings.policy.rules)
    if auth.possible & BY_CHALLENGE and not auth.logins.required and not for_users:
        yield "no login is required, and no rule is for some users; set auth.required, or remove [auth]"


def _rule_warnings(settings: Settings, users: Users | None) -> Iterator[str]:
    by_password = settings.auth.possible & BY_CHALLENGE
    for rule in settings.policy.rules:
        if rule.users and not by_password:
            yield f"the rule for {rule} is for users, but nobody can log in; set auth.htpasswd or auth.htdigest"
        elif users is not None:
            for user in filter(lambda name: not users.knows(name), rule.users):
                yield f"the rule for {rule} is for {user}, who is in neither user file"
        if rule.certificates and not settings.tls.client_ca:
            yield f"the rule for {rule} is for certificates, but clients are not asked for one; set auth.client_ca"


def _file_line(path: Path | None, how: str, known: int | None) -> Iterator[str]:
    if path is not None:
        yield f"{path}: {'not readable by this user' if known is None else f'{known} known {how}'}"


def _named(schemes: frozenset[Scheme] | None) -> str:
    return " or ".join(scheme for scheme in Scheme if scheme in (schemes or ()))
