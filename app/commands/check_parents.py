"""The part of `licensegate check` about parent proxies: the gate's logins, and warnings."""

from collections.abc import Iterator

from licensegate.app.settings import Settings
from licensegate.app.settings.file_checks import others_may_read
from licensegate.certs.host_names import own_addresses
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy, ParentTarget


def lines(settings: Settings) -> Iterator[str]:
    """One line per parent, in order, then whether targets are dialled directly; empty without parents."""
    for parent in settings.parents.proxies:
        terms = [str(parent), f"login {' '.join(_login(parent.login))}", *_terms(parent)]
        yield ", ".join(terms)
    if settings.parents.proxies:
        yield "directly, if no parent can be used" if settings.parents.direct else "never directly"


def warnings(settings: Settings) -> Iterator[str]:
    """Warn about valid settings that are probably mistakes."""
    parents = settings.parents.proxies
    ports = {address.port for address in settings.listen}
    for parent in parents:
        if parent.port in ports and parent.host in ("localhost", *own_addresses()):
            yield f"{parent} is this gate itself, so each tunnel would be a loop; name the proxy behind the gate"
        login = parent.login
        if login.auth is ParentAuth.BASIC and not parent.tls:
            yield f"the password for {parent} is sent in the clear; use https://, or another auth"
        if login.password_file and others_may_read(login.password_file):
            yield f"{login.password_file} can be read by every user of this machine; run chmod 600 on it"
    seconds = sum(parent.seconds for parent in (parents if settings.parents.direct else parents[:-1]))
    if seconds >= settings.limits.dial_seconds:
        yield (
            f"parents may take {seconds:g} s before the last one is tried, but limits.dial_seconds ends a dial "
            f"after {settings.limits.dial_seconds:g} s; lower parent.seconds or raise limits.dial_seconds"
        )


def _login(login: ParentLogin) -> Iterator[str]:
    """The scheme, the user, and the source of the secret, but never the secret."""
    yield login.auth
    if login.username:
        yield f"as {login.username}"
    if login.password_file:
        yield f"by the password in {login.password_file}"
    elif login.password_env:
        yield f"by the password in the variable {login.password_env}"
    elif login.keytab:
        yield f"by the keytab {login.keytab}"
    elif login.auth is ParentAuth.NEGOTIATE or login.ticket_cache:
        yield f"by the ticket cache {login.ticket_cache or 'of the environment'}"


def _terms(parent: ParentProxy) -> Iterator[str]:
    if parent.ca:
        yield f"trusted by {parent.ca}"
    match parent.target:
        case ParentTarget.CHECKED:
            yield "asked for names, after checking their addresses"
        case ParentTarget.ADDRESS:
            yield "asked for addresses"
