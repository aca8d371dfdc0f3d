"""The versions of everything that matters when a maintainer repeats a fault."""

import platform
import ssl
import sys
from importlib import metadata
from typing import Final

from licensegate.app.version import full_version

_OURSELVES: Final = "licensegate"


def versions() -> dict[str, str]:
    """Versions by name: the gate, Python, OpenSSL, the system, and the packages that the gate depends on."""
    found = {
        _OURSELVES: full_version(),
        "python": sys.version.replace("\n", " "),
        "openssl of python": ssl.OPENSSL_VERSION,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": _system(),
    }
    for requirement in metadata.requires(_OURSELVES) or ():
        name = requirement.split(";")[0].strip(" ").split(">")[0].split("=")[0].split("[")[0].strip()
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
