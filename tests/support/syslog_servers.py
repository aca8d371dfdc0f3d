"""Real receivers of syslog, each in a folder of its own: rsyslog, syslog-ng and systemd-journald."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from support.authority import Authority
from support.namespaces import require_mounts
from support.requirements import missing, require_command, require_file
from support.sockets import spin_until
from support.upstream import SECONDS, closed_port

ROOT: Final = Path(__file__).resolve().parents[2]
_FIELDS: Final = 7
_SEPARATOR: Final = "\t"  # no message has one: the gate escapes it


class Received(Struct, frozen=True):
    """One message as a receiver understood it."""

    priority: int
    host: str
    app_name: str
    process_id: str
    message_id: str
    data: str
    text: str


class _Receiver:
    """A program that appends what it receives to the file `received` of its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._received = folder / "received"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens."""
        with (self.folder / "errors").open("ab") as errors:
            self._process = subprocess.Popen(
                self._command(), stdout=errors, stderr=errors, env=os.environ | self._environment()
            )
        process = self._process

        def is_up() -> bool:
            assert process.poll() is None, (self.folder / "errors").read_text()
            return self._listens()

        spin_until(is_up)

    def stop(self) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(SECONDS)

    def received(self, at_least: int = 0) -> list[Received]:
        """What has come so far. Waits until there are `at_least` so many."""
        deadline = time.monotonic() + SECONDS
        while True:
            text = self._received.read_text() if self._received.exists() else ""
            found = [self._read(line) for line in text[: text.rfind("\n") + 1].splitlines()]
            if len(found) >= at_least:
                return found
            assert time.monotonic() < deadline, f"only {found}; {(self.folder / 'errors').read_text()}"
            time.sleep(0.02)

    def forget(self) -> None:
        """Begin the file again."""
        self._received.write_text("")

    @staticmethod
    def _read(line: str) -> Received:
        fields = line.split(_SEPARATOR)
        assert len(fields) == _FIELDS, line
        return Received(int(fields[0]), *("" if field == "-" else field for field in fields[1:]))

    def _environment(self) -> dict[str, str]:
        return {}

    def _command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def _listens(self) -> bool:
        raise NotImplementedError


class Rsyslog(_Receiver):
    """rsyslog on every transport. The TLS port wants a certificate of `authority` from its clients."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._program = require_command("rsyslogd", "rsyslog")
        require_file(Path("/usr/share/doc/rsyslog-gnutls"), "rsyslog-gnutls")
        leaf = authority.issue("localhost")
        self.udp, self.tcp, self.tls = closed_port(), closed_port(), closed_port()
        tls = (
            'streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid" '
            f'streamDriver.caFile="{authority.root}" streamDriver.certFile="{leaf.chain}" '
            f'streamDriver.keyFile="{leaf.key}"'
        )
        properties = ("pri", "hostname", "app-name", "procid", "msgid", "structured-data", "msg")
        template = "\\t".join(f"%{name}%" for name in properties)
        (folder / "rsyslog.conf").write_text(
            "\n".join(
                [
                    f'global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{authority.root}")',
                    'module(load="imuxsock" sysSock.use="off")',
                    'module(load="imudp")',
                    'module(load="imtcp")',
                    f'input(type="imuxsock" socket="{folder}/log")',
                    f'input(type="imuxsock" socket="{folder}/rfc5424" useSpecialParser="off" parseHostname="on")',
                    f'input(type="imudp" address="127.0.0.1" port="{self.udp}")',
                    f'input(type="imtcp" address="127.0.0.1" port="{self.tcp}")',
                    f'input(type="imtcp" address="127.0.0.1" port="{self.tls}" {tls})',
                    f'template(name="fields" type="string" string="{template}\\n")',
                    f'action(type="omfile" file="{folder}/received" template="fields")',
                    "",
                ]
            )
        )

    def _command(self) -> Sequence[str | Path]:
        return (self._program, "-n", "-f", self.folder / "rsyslog.conf", "-i", self.folder / "pid")

    def _listens(self) -> bool:
        return (self.folder / "rfc5424").exists() and all(map(_is_listening, (self.tcp, self.tls)))


class SyslogNg(_Receiver):
    """syslog-ng on every transport, from a package that is only unpacked: it cannot be installed beside rsyslog."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._root = _unpacked("syslog-ng-core")
        leaf = authority.issue("localhost")
        self.udp, self.tcp, self.tls = closed_port(), closed_port(), closed_port()
        tls = (
            f'tls(key-file("{leaf.key}") cert-file("{leaf.chain}") ca-file("{authority.root}") '
            "peer-verify(required-trusted))"
        )
        macros = ("PRI", "HOST", "PROGRAM", "PID", "MSGID", "SDATA", "MSG")
        template = "\\t".join(f"${{{name}}}" for name in macros)
        version = next((self._root / "usr/lib/syslog-ng").glob("[0-9]*")).name
        (folder / "syslog-ng.conf").write_text(
            "\n".join(
                [
                    f"@version: {version}",
                    "options { keep-hostname(yes); use-dns(no); };",
                    "source all {",
                    f'  unix-dgram("{folder}/log");',
                    f'  unix-stream("{folder}/stream");',
                    f'  unix-dgram("{folder}/rfc5424" flags(syslog-protocol));',
                    f'  syslog(transport("udp") ip("127.0.0.1") port({self.udp}));',
                    f'  syslog(transport("tcp") ip("127.0.0.1") port({self.tcp}));',
                    f'  syslog(transport("tls") ip("127.0.0.1") port({self.tls}) {tls});',
                    "};",
                    f'destination file {{ file("{folder}/received" template("{template}\\n")); }};',
                    "log { source(all); destination(file); };",
                    "",
                ]
            )
        )

    def _environment(self) -> dict[str, str]:
        folders = [self._root / "usr/lib/syslog-ng", *(self._root / "usr/lib").glob("*-linux-gnu*")]
        folders += (self._root / "lib").glob("*-linux-gnu*")
        return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}

    def _command(self) -> Sequence[str | Path]:
        modules = next((self._root / "usr/lib/syslog-ng").glob("[0-9]*"))
        files = {"-f": "syslog-ng.conf", "-R": "persist", "-p": "pid", "-c": "control"}
        return (
            self._root / "usr/sbin/syslog-ng",
            *("-F", "--no-caps", "--module-path", modules),
            *(part for option, name in files.items() for part in (option, self.folder / name)),
        )

    def _listens(self) -> bool:
        return (self.folder / "rfc5424").exists() and all(map(_is_listening, (self.tcp, self.tls)))


class Journald:
    """systemd-journald with a /run of its own. Needs root."""

    def __init__(self) -> None:
        self._program = require_file(Path("/lib/systemd/systemd-journald"), "systemd")
        require_command("journalctl", "systemd")
        if os.geteuid() != 0:
            missing("root's rights for a mount namespace", "run the tests as root")
        require_mounts()

    def entries(self, script: str, python: str, at_least: int) -> list[dict[str, Any]]:
        """Run this program of Python beside a journal. Returns our entries, once the journal has so many."""
        shell = """
            mount -t tmpfs run /run && mkdir -p /run/systemd/journal /run/log/journal && : >/run/entries
            "$1" >/dev/null 2>&1 &
            until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
            "$2" -c "$3"
            until [ "$(wc -l </run/entries)" -ge "$4" ]; do
                sleep 0.05
                journalctl --quiet --no-pager --all --output json --directory /run/log/journal \\
                    SYSLOG_IDENTIFIER=licensegate >/run/entries
            done
            cat /run/entries
            kill $!
        """
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", shell, "sh", self._program, python, script, str(at_least)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def _is_listening(port: int) -> bool:
    """Whether a socket listens at this port of 127.0.0.1 (proc_net_tcp(5)), without connecting to it."""
    address = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(fields[1] == address and fields[3] == "0A" for fields in map(str.split, lines))


def _unpacked(package: str) -> Path:
    """The folder with the files of a Debian package and of those of its dependencies that this machine lacks."""
    folder = ROOT / "build" / "unpacked" / package
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if not _dependencies(package):  # no package lists, as in images of containers
            _run_or_miss(package, folder, "apt-get", "-qq", "update")
        names = [package, *(name for name in _dependencies(package) if not _is_installed(name))]
        _run_or_miss(package, folder, "apt-get", "download", *names)
        for archive in folder.glob("*.deb"):
            _run_or_miss(package, folder, "dpkg", "--extract", archive, folder)
        (folder / "complete").touch()
    return folder


def _dependencies(package: str) -> list[str]:
    lines = subprocess.run(
        ["apt-cache", "depends", "--important", package], capture_output=True, text=True, check=False
    ).stdout
    return [line.split()[1] for line in lines.splitlines() if line.startswith("  Depends: ") and "<" not in line]


def _is_installed(name: str) -> bool:
    return subprocess.run(["dpkg-query", "--status", name], capture_output=True, check=False).returncode == 0


def _run_or_miss(package: str, folder: Path, *command: str | Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        missing(f"the package {package}", f"let apt-get download it: {done.stderr.strip().splitlines()[-1:]}")
