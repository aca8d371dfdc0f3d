"""The gate's log in squid's native format, beside the log of a squid that was asked the same."""

import base64
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from support.gate import ANYTHING, Gate, gate_settings
from support.logins import htpasswd_line
from support.requirements import require_command
from support.sockets import spin_until
from support.squid import Squid, helper
from support.upstream import Upstream, closed_port, echo

USER = "bjö%rn"


class Line(Struct, frozen=True):
    """The fields of a line, without its time."""

    client: str
    result: str
    written: int
    method: str
    target: str
    user: str
    way: str
    content_type: str


def lines(log: Path, at_least: int) -> list[Line]:
    """Wait for so many lines, and read the fields that a blank separates."""
    spin_until(lambda: log.exists() and log.read_text().count("\n") >= at_least)
    found = []
    for line in log.read_text().splitlines():
        at, _, client, result, written, *rest = line.split()
        assert len(at.split(".")[1]) == 3
        found.append(Line(client, result, int(written), *rest))
    return found


def requests(port: int, dead: int) -> list[bytes]:
    """A tunnel, one with a login, and what is refused or fails."""
    login = b"Proxy-Authorization: Basic " + base64.b64encode(f"{USER}:right".encode()) + b"\r\n"
    wrong = b"Proxy-Authorization: Basic " + base64.b64encode(b"nobody:wrong") + b"\r\n"
    return [
        b"CONNECT open.test:%d HTTP/1.1\r\nHost: open.test\r\n%b\r\n" % (port, login),
        b"CONNECT evil.test:%d HTTP/1.1\r\nHost: evil.test\r\n%b\r\n" % (port, login),
        b"CONNECT open.test:%d HTTP/1.1\r\nHost: open.test\r\n\r\n" % port,
        b"CONNECT open.test:%d HTTP/1.1\r\nHost: open.test\r\n%b\r\n" % (port, wrong),
        b"CONNECT open.test:%d HTTP/1.1\r\nHost: open.test\r\n%b\r\n" % (dead, login),
        b"GET / HTTP/1.1\r\nHost: open.test\r\n\r\n",
    ]


def ask(port: int, request: bytes) -> int:
    """Send the request; through a tunnel ten bytes, too. Returns the length of the head of the answer."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request)
        answer = sock.recv(65536)
        head = answer.find(b"\r\n\r\n") + 4
        if answer.startswith(b"HTTP/1.1 200"):
            sock.sendall(b"0123456789")
            assert sock.recv(100) == b"0123456789"
            return head
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
        return head


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, list[int]]]:
    """The logs of squid and of the gate after the same requests, and the lengths of the heads of their tunnels."""
    folder, dead = tmp_path_factory.mktemp("gate"), closed_port()
    (folder / "users").write_text(htpasswd_line(USER, "right"))

    def access(squid_folder: Path) -> tuple[str, ...]:
        (squid_folder / "hosts").write_text("127.0.0.1 open.test evil.test\n")
        (squid_folder / "users").write_text(htpasswd_line(USER, "right"))
        return (
            f"access_log stdio:{squid_folder}/native.log squid",
            f"hosts_file {squid_folder}/hosts",
            f"auth_param basic program {helper('basic_ncsa_auth')} {squid_folder}/users",
            "auth_param basic children 1",
            "auth_param basic utf8 off",
            "url_rewrite_access deny all",
            "acl evil dstdomain evil.test",
            "acl known proxy_auth REQUIRED",
            "http_access deny !known",
            "http_access deny evil",
            "http_access allow all",
        )

    with Upstream(echo) as upstream, Squid(upstream.port, access) as squid:
        rules = "".join(
            f'[[allowlist.rule]]\nhost = "open.test"\nport = {port}\nprivate = true\n' for port in (upstream.port, dead)
        )
        connect_to = [f"open.test:{port}:127.0.0.1:{port}" for port in (upstream.port, dead)]
        settings = gate_settings(
            *connect_to, more=f'[auth]\nrequired = true\nhtpasswd = "users"\nschemes = ["basic"]\n{ANYTHING}{rules}'
        )
        with Gate(folder, settings.replace('"access.jsonl"', '"squid.log"\nformat = "squid"')) as gate:
            asked = requests(upstream.port, dead)
            heads = []
            logs = squid.folder / "native.log", folder / "squid.log"
            for number, request in enumerate(asked, 1):
                for port, log in zip((squid.port, gate.port), logs, strict=True):
                    heads.append(ask(port, request))
                    lines(log, number)  # a tunnel may end after the next request
            yield *logs, heads[:2]


def test_both_say_the_same_of_the_same_requests(both: tuple[Path, Path, list[int]]) -> None:
    squids, ours = (lines(log, 6) for log in both[:2])
    for squid, our in zip(squids, ours, strict=True):
        assert (our.client, our.method) == (squid.client, squid.method)
    tunnel, denied, login, wrong, unreachable, invalid = zip(squids, ours, strict=True)
    assert tunnel[0].written - both[2][0] == tunnel[1].written - both[2][1] == 10, "heads differ in their length"
    for squid, our in (tunnel, denied, login, wrong):
        assert (our.result, our.target, our.way) == (squid.result, squid.target, squid.way)
    for squid, our in (tunnel, denied, login):
        assert our.user == squid.user
    assert (tunnel[0].content_type, denied[0].content_type) == ("-", "text/html")
    assert (tunnel[1].content_type, denied[1].content_type) == ("-", "text/plain")
    assert (unreachable[0].result, unreachable[1].result) == ("NONE_NONE/503", "NONE_NONE/502")
    assert unreachable[0].way == unreachable[1].way == "HIER_DIRECT/127.0.0.1"
    assert (invalid[0].result, invalid[1].result) == ("NONE_NONE/400", "NONE_NONE/405")
    assert (invalid[0].target, invalid[0].way) == (invalid[1].target, invalid[1].way) == ("/", "HIER_NONE/-")


def test_a_program_for_squids_logs_counts_ours_as_it_counts_squids(both: tuple[Path, Path, list[int]]) -> None:
    calamaris = require_command("calamaris", "calamaris")
    counts = []
    for log in both[:2]:
        done = subprocess.run([calamaris, "-a"], input=log.read_bytes(), capture_output=True, check=True)
        assert not done.stderr, done.stderr
        report = done.stdout.decode()
        assert re.search(r"invalid lines: +lines +0 ", report)
        counts.append(
            re.findall(r"^ ?(CONNECT|TCP_TUNNEL|TCP_DENIED|HIER_DIRECT|Sum) +([0-9]+) ", report, re.MULTILINE)
        )
    assert counts[0] == counts[1]
    assert ("TCP_DENIED", "3") in counts[0]
