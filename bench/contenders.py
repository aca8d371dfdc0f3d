"""The proxies that are measured, all configured alike: CONNECT to one allowed name and port, one worker.

The target is `localhost` and the origin's port, so each resolves and checks a name; only the floor dials a fixed
address. All listen on 127.0.0.1 only, and each writes to its own folder.
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
    """A contender lacks something on this machine or did not start; the text says what to do."""


class Instance(Struct, frozen=True):
    """One set-up of a contender: its folder, the port it listens on, the origin's port."""

    folder: Path
    port: int
    target_port: int

    def write(self, name: str, text: str) -> Path:
        """Write a file to the folder."""
        file = self.folder / name
        file.write_text(text)
        return file


class Contender(Struct, frozen=True):
    """A proxy: its name, what it does, and a function that writes its settings and returns its command."""

    name: str
    does: str
    command: Callable[[Instance], list[str]]


@contextlib.contextmanager
def running(contender: Contender, instance: Instance) -> Iterator[int]:
    """Run a contender: start it, wait for its port, yield its process id, stop it. Raises UnavailableError."""
    command = contender.command(instance)
    output = instance.folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=instance.folder)
    try:
        _wait_for_port(instance.port, process, output)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A free port of 127.0.0.1."""
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
    raise UnavailableError(f"it does not listen; its last output: {said[0]}")


def _executable(name: str, remedy: str) -> str:
    found = shutil.which(name, path=_SYSTEM_PATH)
    if not found:
        raise UnavailableError(f"{name} is not installed: {remedy}")
    return found


def _licensegate(instance: Instance) -> list[str]:
    command = Path(sys.executable).with_name("licensegate")
    if not command.exists():
        raise UnavailableError(f"{command} does not exist: run this with the interpreter of the project's environment")
    settings = f"""
        [[listen]]
        address = "127.0.0.1:{instance.port}"

        [[allowlist.rule]]
        host = "{TARGET_HOST}"
        port = {instance.target_port}
        private = true

        [limits]
        tunnels = {_CONNECTIONS}
        tunnels_per_client = {_CONNECTIONS}

        [log]
        access = "{instance.folder / "access.log"}"
        lines_per_client = 0

        [admin]
        listen = "127.0.0.1:0"
    """
    return [str(command), "serve", "--config", str(instance.write("licensegate.toml", settings))]


def _squid(instance: Instance) -> list[str]:
    executable = _executable("squid", "apt-get install --no-install-recommends squid")
    instance.folder.chmod(0o777)  # started by root, squid writes as another user
    hosts = instance.write("hosts", f"127.0.0.1 {TARGET_HOST}\n")
    settings = f"""
        http_port 127.0.0.1:{instance.port}
        acl port port {instance.target_port}
        acl target dstdomain {TARGET_HOST}
        http_access allow CONNECT target port
        http_access deny all
        hosts_file {hosts}
        access_log stdio:{instance.folder}/access.log
        cache_log {instance.folder}/cache.log
        pid_filename {instance.folder}/squid.pid
        coredump_dir {instance.folder}
        cache deny all
        netdb_filename none
        pinger_enable off
        workers 1
        max_filedescriptors {2 * _CONNECTIONS + 256}
        shutdown_lifetime 0 seconds
        visible_hostname bench
    """
    return [executable, "-N", "-f", str(instance.write("squid.conf", settings))]


def _tinyproxy(instance: Instance, log_level: str) -> list[str]:
    executable = _executable("tinyproxy", "apt-get install --no-install-recommends tinyproxy")
    allowed = instance.write("allowed", f"^{TARGET_HOST}$\n")
    settings = f"""
        Listen 127.0.0.1
        Port {instance.port}
        Allow 127.0.0.1
        Timeout 600
        MaxClients {_CONNECTIONS}
        Filter "{allowed}"
        FilterExtended Yes
        FilterDefaultDeny Yes
        ConnectPort {instance.target_port}
        LogFile "{instance.folder}/tinyproxy.log"
        LogLevel {log_level}
    """
    return [executable, "-d", "-c", str(instance.write("tinyproxy.conf", settings))]


def _quiet_tinyproxy(instance: Instance) -> list[str]:
    return _tinyproxy(instance, "Critical")


def _logging_tinyproxy(instance: Instance) -> list[str]:
    return _tinyproxy(instance, "Connect")


def _proxy_py(instance: Instance) -> list[str]:
    search = os.pathsep.join((str(Path(sys.executable).parent), _SYSTEM_PATH))
    command = shutil.which("proxy", path=search)
    if not command:
        raise UnavailableError("the proxy command is not installed: pip install proxy.py")
    workers = ["--num-workers", "1", "--num-acceptors", "1"]
    return [command, "--hostname", "127.0.0.1", "--port", str(instance.port), *workers, "--log-level", "ERROR"]


def _floor(instance: Instance) -> list[str]:
    compiler = _executable("cc", "apt-get install gcc libc6-dev")
    program = instance.folder / "floor"
    source = Path(__file__).with_name("floor.c")
    built = subprocess.run([compiler, "-O2", "-o", program, source], capture_output=True, text=True, check=False)
    if built.returncode:
        raise UnavailableError(f"floor.c does not compile: {built.stderr.strip().splitlines()[-1]}")
    return [str(program), str(instance.port), str(instance.target_port)]


CONTENDERS = (
    Contender("licensegate", "all checks, log on", _licensegate),
    Contender("squid", "allowlist, log on", _squid),
    Contender("tinyproxy", "filter, log off", _quiet_tinyproxy),
    Contender("tinyproxy-log", "filter, log on", _logging_tinyproxy),
    Contender("proxy.py", "no allowlist, log off", _proxy_py),
    Contender("floor", "relay only", _floor),
)
