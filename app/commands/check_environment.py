"""The part of `licensegate check` about environment variables: those that the gate does not use."""

from collections.abc import Iterator, Mapping
from typing import Final

from licensegate.app.settings import Settings
from licensegate.app.settings.environment import ADMIN_DEFAULT, CONFIG, PREFIX, variables
from licensegate.app.settings.messages import nearest

_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")  # for clients, such as curl

_ALIKE: Final = 0.9


def warnings(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Warn about variables that look like settings but are not."""
    yield from _ignored_variables(environ)
    yield from _unused_proxy(settings, environ)


def _ignored_variables(environ: Mapping[str, str]) -> Iterator[str]:
    meant = {variable.replace("__", "_"): variable for variable in variables()}
    for name in environ:
        if name not in (CONFIG, ADMIN_DEFAULT) and nearest(name, (CONFIG,), _ALIKE):
            yield f"{name} is ignored; did you mean {CONFIG}?"
        variable = meant.get(name.upper().replace("__", "_"))
        if variable and name.upper() == variable != name:
            yield f"{name} is ignored; write it in capitals: {variable}"
        elif variable and not name.startswith(PREFIX):
            yield f"{name} is ignored, because Kubernetes sets such names; write {variable}"


def _unused_proxy(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    for name in _PROXY_VARIABLES:
        if environ.get(name) and not settings.parents.proxies:
            yield f"{name} is not used; if targets are reached only through that proxy, name it in [[parent]]"
