"""A stand-in for Cisco and clients of the gate in the network namespace of a container or a host.

They are programs of this machine, run with `inside`, the command prefix that enters the namespace.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import support
from support import many_tunnels as many_tunnels_program
from support.authority import Authority
from support.licensing_exchange import HOST, TARGET
from support.programs import run
from support.requirements import require_command
from support.upstream import SECONDS

LISTENING = "127.0.0.1:9443"
"""The address of the stand-in in that namespace."""

PAGE = "s_server"
"""A word on the page that it serves."""


@contextmanager
def stand_in(inside: Sequence[str], authority: Authority) -> Iterator[None]:
    """Run a server with a certificate of the test CA that answers any request with a page."""
    leaf = authority.issue(HOST)
    command = [require_command("openssl", "openssl"), "s_server", "-accept", LISTENING, "-www"]
    certificate = ["-cert", str(leaf.chain), "-key", str(leaf.key)]
    with _started([*inside, *command, *certificate]) as server:
        assert server.stdout is not None
        _await(server, server.stdout, "ACCEPT")
        yield


def curl(inside: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run curl to its end. It prints errors only, and fails on an HTTP error."""
    return run(*inside, require_command("curl", "curl"), "--silent", "--show-error", "--fail", *arguments)


def get_through(
    inside: Sequence[str], proxy: str, authority: Authority, *options: str
) -> subprocess.CompletedProcess[str]:
    """Get the stand-in's page through the proxy at this URL without verifying its certificate."""
    return curl(
        inside,
        *options,
        "--cacert",
        str(authority.root),
        "--proxy",
        proxy,
        "--proxy-insecure",
        "--noproxy",
        "",
        f"https://{HOST}/",
    )


@contextmanager
def tunnel(inside: Sequence[str], proxy: str, authority: Authority) -> Iterator["subprocess.Popen[str]"]:
    """Run a client with a tunnel to the stand-in. It sends its input there and prints what comes back."""
    command = [require_command("openssl", "openssl"), "s_client", "-quiet", "-proxy", proxy, "-connect", TARGET]
    with _started([*inside, *command, "-servername", HOST, "-CAfile", str(authority.root)]) as client:
        assert client.stderr is not None
        _await(client, client.stderr, "verify return:1")
        yield client


@contextmanager
def many_tunnels(inside: Sequence[str], proxy_port: int, count: int) -> Iterator[None]:
    """Run clients with tunnels in which data flow, newcomers beside them, and their target, until the block ends.

    Raises AssertionError if a byte was lost, a tunnel broken off or a newcomer refused.
    """
    ports = (str(proxy_port), LISTENING.rpartition(":")[2], str(count))
    search = f"PYTHONPATH={Path(support.__file__).parents[1]}"
    with _started([*inside, "env", search, sys.executable, many_tunnels_program.__file__, *ports]) as clients:
        assert clients.stdout is not None
        _await(clients, clients.stdout, "data flow")
        yield
        _, errors = clients.communicate(timeout=SECONDS)
        assert clients.returncode == 0, errors


@contextmanager
def _started(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _await(process: "subprocess.Popen[str]", stream: Iterator[str], words: str) -> None:
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"{process.args!r} ended without {words!r}")
