"""The proxies that are measured, each set up to do the same: CONNECT to one allowed name and port, one worker.

All of them get the same target, `localhost` and the origin's port, so each resolves and checks a name in its own way;
only the floor dials a fixed address. Nothing listens anywhere but on 127.0.0.1, and everything a contender writes stays
in a folder of its own.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

TARGET_HOST = "localhost"
_START_SECONDS = 30
_STOP_SECONDS = 15
_CONNECTIONS = 8192
_SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"))


class UnavailableError(Exception):
    """This machine has not what a contender needs, or it did not start; the text says what."""


class Place(Struct, frozen=True):
    """Where a contender lives: its folder, the port it listens on, the origin's port."""

    folder: Path
    port: int
    target_port: int

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder."""
        file = self.folder / name
        file.write_text(text)
        return file


class Contender(Struct, frozen=True):
    """A proxy: its name, what it does for its price, and how it is set up (which returns the command)."""

    name: str
    does: str
    command: Callable[[Place], list[str]]


@contextlib.contextmanager
def running(contender: Contender, place: Place) -> Iterator[int]:
    """Start a contender, wait until its port answers, give its process id, stop it. Raises UnavailableError."""
    command = contender.command(place)
    output = place.folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=place.folder)
    try:
        _wait_for_port(place.port, process, output)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    said = output.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
    raise UnavailableError(f"it does not listen; it said: {said[0]}")


def _executable(name: str, remedy: str) -> str:
    found = shutil.which(name, path=_SYSTEM_PATH)
    if not found:
        raise UnavailableError(f"there is no {name} here: {remedy}")
    return found


def _licensegate(place: Place) -> list[str]:
    command = Path(sys.executable).with_name("licensegate")
    if not command.exists():
        raise UnavailableError(f"{command} does not exist: run this with the interpreter of the project's environment")
    settings = f"""
        [[listen]]
        address = "127.0.0.1:{place.port}"

        [[allowlist.rule]]
        host = "{TARGET_HOST}"
        port = {place.target_port}
        private = true

        [limits]
        tunnels = {_CONNECTIONS}
        tunnels_per_client = {_CONNECTIONS}

        [log]
        access = "{place.folder / "access.log"}"

        [admin]
        listen = "127.0.0.1:0"
    """
    return [str(command), "serve", "--config", str(place.write("licensegate.toml", settings))]


def _squid(place: Place) -> list[str]:
    executable = _executable("squid", "apt-get install --no-install-recommends squid")
    place.folder.chmod(0o777)  # started by root, squid writes as a user of its own
    hosts = place.write("hosts", f"127.0.0.1 {TARGET_HOST}\n")
    settings = f"""
        http_port 127.0.0.1:{place.port}
        acl port port {place.target_port}
        acl target dstdomain {TARGET_HOST}
        http_access allow CONNECT target port
        http_access deny all
        hosts_file {hosts}
        access_log stdio:{place.folder}/access.log
        cache_log {place.folder}/cache.log
        pid_filename {place.folder}/squid.pid
        coredump_dir {place.folder}
        cache deny all
        netdb_filename none
        pinger_enable off
        workers 1
        max_filedescriptors {2 * _CONNECTIONS + 256}
        shutdown_lifetime 0 seconds
        visible_hostname bench
    """
    return [executable, "-N", "-f", str(place.write("squid.conf", settings))]


def _tinyproxy(place: Place, log_level: str) -> list[str]:
    executable = _executable("tinyproxy", "apt-get install --no-install-recommends tinyproxy")
    allowed = place.write("allowed", f"^{TARGET_HOST}$\n")
    settings = f"""
        Listen 127.0.0.1
        Port {place.port}
        Allow 127.0.0.1
        Timeout 600
        MaxClients {_CONNECTIONS}
        Filter "{allowed}"
        FilterExtended Yes
        FilterDefaultDeny Yes
        ConnectPort {place.target_port}
        LogFile "{place.folder}/tinyproxy.log"
        LogLevel {log_level}
    """
    return [executable, "-d", "-c", str(place.write("tinyproxy.conf", settings))]


def _quiet_tinyproxy(place: Place) -> list[str]:
    return _tinyproxy(place, "Critical")


def _logging_tinyproxy(place: Place) -> list[str]:
    return _tinyproxy(place, "Connect")


def _proxy_py(place: Place) -> list[str]:
    search = os.pathsep.join((str(Path(sys.executable).parent), _SYSTEM_PATH))
    command = shutil.which("proxy", path=search)
    if not command:
        raise UnavailableError("there is no proxy command here: pip install proxy.py")
    workers = ["--num-workers", "1", "--num-acceptors", "1"]
    return [command, "--hostname", "127.0.0.1", "--port", str(place.port), *workers, "--log-level", "ERROR"]


def _floor(place: Place) -> list[str]:
    compiler = _executable("cc", "apt-get install gcc libc6-dev")
    program = place.folder / "floor"
    source = Path(__file__).with_name("floor.c")
    built = subprocess.run([compiler, "-O2", "-o", program, source], capture_output=True, text=True, check=False)
    if built.returncode:
        raise UnavailableError(f"floor.c does not compile here: {built.stderr.strip().splitlines()[-1]}")
    return [str(program), str(place.port), str(place.target_port)]


CONTENDERS = (
    Contender("licensegate", "all it does, log on", _licensegate),
    Contender("squid", "allowlist, log on", _squid),
    Contender("tinyproxy", "filter, log off", _quiet_tinyproxy),
    Contender("tinyproxy-log", "filter, log on", _logging_tinyproxy),
    Contender("proxy.py", "no allowlist, log off", _proxy_py),
    Contender("floor", "nothing but relay", _floor),
)
