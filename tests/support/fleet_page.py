"""What docs/fleet.md shows, so that tests and the benchmark run what the page says."""

import contextlib
import re
import socket
from pathlib import Path
from typing import Self

from msgspec import Struct

from support.operations_page import FLEET

BALANCER = "127.0.0.1"
GATES = ("127.0.1.1", "127.0.1.2")
"""The addresses here of the page's balancer and gates."""

_ON_THE_PAGE = {"10.0.0.10": BALANCER, "10.0.0.11": GATES[0], "10.0.0.12": GATES[1]}


class Ports(Struct, frozen=True):
    """The balancer's port, and the ports of both gates for clients and for their admin servers."""

    front: int
    gate: int
    admin: int

    @classmethod
    def free(cls) -> Self:
        """Ports that are free now on all three addresses."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(3)]
            return cls(*(sock.getsockname()[1] for sock in sockets))


def blocks(language: str) -> list[str]:
    """The code blocks of the page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", FLEET.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def haproxy_configuration(ports: Ports, control: Path) -> str:
    """The page's configuration of HAProxy, with addresses and ports of this machine and its control socket there."""
    (text,) = blocks("haproxy")
    text = text.replace("/run/haproxy.sock", str(control))
    text = text.replace("bind :3128", f"bind {BALANCER}:{ports.front}")
    for shown, used in {**_ON_THE_PAGE, ":3128": f":{ports.gate}", "9130": str(ports.admin)}.items():
        text = text.replace(shown, used)
    return text
