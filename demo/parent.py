"""proxy.py as the company's proxy, which opens tunnels only for those who log in by Basic."""

import importlib.metadata
import secrets
import site
import sys
from typing import Final

from msgspec import Struct

from .address import LOOPBACK
from .processes import Processes

PACKAGE: Final = "proxy.py"
USER: Final = "licensegate"

_LOGIN: Final = "DEMO_PARENT_LOGIN"
_PROGRAM: Final = f"import os, proxy; proxy.main(basic_auth=os.environ.pop({_LOGIN!r}))"
"""Unlike the arguments of a command, the environment of a process is for its user alone."""

_OPTIONS: Final = ("--hostname", LOOPBACK, "--port", "0", "--num-acceptors", "1", "--num-workers", "1")


class CorporateProxy(Struct, frozen=True):
    """The running proxy: its port, and the password that it wants from USER."""

    port: int
    password: str


def is_installed() -> bool:
    """Whether proxy.py is here. Not asked by its module's name, `proxy`, which a folder may have."""
    try:
        importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def start_parent(processes: Processes) -> CorporateProxy:
    """Start the proxy on a free port, and wait until it listens. Raises DemoError."""
    password, port_file = secrets.token_urlsafe(12), processes.folder / "parent.port"
    process = processes.start(
        PACKAGE,
        *(sys.executable, "-P", "-c", _PROGRAM),  # without -P a checkout's own folder `proxy` would be loaded
        *(*_OPTIONS, "--port-file", port_file, "--data-dir", processes.folder / "proxy.py"),
        environment={
            _LOGIN: f"{USER}:{password}",
            "HOME": str(processes.folder),  # it makes ~/.proxy
            "PYTHONUSERBASE": site.getuserbase(),  # where it may be installed
        },
    )

    def port() -> int | None:
        text = port_file.read_text() if port_file.exists() else ""
        return int(text) if text.endswith("\n") else None

    return CorporateProxy(processes.wait_for(process, port), password)
