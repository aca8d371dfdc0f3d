"""squid as a parent proxy that may want a login, with the helpers that Debian ships beside it."""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.authority import Leaf
from support.programs import run
from support.requirements import missing, require_command, require_file
from support.upstream import SECONDS, closed_port

USER, PASSWORD, REALM = "svc-licensing", "correct horse", "parent"
"""An account of the squids of these tests."""

_SHARED_MEMORY = Path("/dev/shm")  # shm_overview(7)
_LOGIN_REQUIRED = ("acl known proxy_auth REQUIRED", "http_access deny !known", "http_access allow all")


def helper(name: str) -> Path:
    """The path of a helper that comes with squid."""
    return require_file(Path("/usr/lib/squid") / name, "squid")


def without_login(folder: Path) -> tuple[str, ...]:
    """Configuration without a login."""
    return ("http_access allow all",)


def basic(folder: Path, user: str = USER) -> tuple[str, ...]:
    """Configuration that requires a Basic login of this user."""
    hashed = run(require_command("openssl", "openssl"), "passwd", "-apr1", PASSWORD).stdout
    users = folder / "squid-users"
    users.write_text(f"{user}:{hashed}")
    return (
        f"auth_param basic program {helper('basic_ncsa_auth')} {users}",
        "auth_param basic children 1",
        f"auth_param basic realm {REALM}",
        *_LOGIN_REQUIRED,
    )


def digest(folder: Path, user: str = USER) -> tuple[str, ...]:
    """Configuration that requires a Digest login of this user."""
    ha1 = hashlib.md5(f"{user}:{REALM}:{PASSWORD}".encode()).hexdigest()
    users = folder / "squid-digests"
    users.write_text(f"{user}:{REALM}:{ha1}\n")
    return (
        f"auth_param digest program {helper('digest_file_auth')} -c {users}",
        "auth_param digest children 1",
        f"auth_param digest realm {REALM}",
        *_LOGIN_REQUIRED,
    )


PASSWORD_SCHEMES = {"basic": basic, "digest": digest}
"""The password schemes that Debian has squid helpers for."""


def checked_by(scheme: str, program: str) -> Callable[[Path], tuple[str, ...]]:
    """Configuration that requires a login by this scheme, checked by a helper program."""
    lines = (f"auth_param {scheme} program {program}", f"auth_param {scheme} children 1", *_LOGIN_REQUIRED)
    return lambda folder: lines


class Squid:
    """A squid on a free port of 127.0.0.1, or on `port`, that reaches every target at `target_port` of this host.

    `access` gives the access rules of its configuration. With a `leaf`, it speaks TLS. It runs inside a `with` block.
    """

    def __init__(
        self,
        target_port: int,
        access: Callable[[Path], Sequence[str]] = without_login,
        *,
        port: int = 0,
        leaf: Leaf | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or closed_port()
        self.folder = Path(tempfile.mkdtemp(prefix="squid-"))
        self.folder.chmod(0o777)  # started by root, squid changes to its own user
        self._program = require_command("squid", "squid")
        if not _SHARED_MEMORY.is_dir() or not _SHARED_MEMORY.stat().st_mode & stat.S_ISVTX:
            missing("shared memory for everybody", f"mount a tmpfs on {_SHARED_MEMORY}, or chmod 1777 it")
        self._environment = environment or {}
        tls = f" tls-cert={leaf.chain} tls-key={leaf.key}" if leaf else ""
        self._settings = self.folder / "squid.conf"
        self._settings.write_text(
            "\n".join(
                [
                    *access(self.folder),
                    f"{'https' if leaf else 'http'}_port 127.0.0.1:{self.port}{tls}",
                    f"url_rewrite_program {self._rewriter(target_port)}",
                    "url_rewrite_children 1",
                    "visible_hostname parent.test",
                    "shutdown_lifetime 0 seconds",
                    "cache deny all",
                    "pinger_enable off",
                    "logformat asked %>Hs %>ru %un",
                    f"access_log stdio:{self.folder}/access.log asked",
                    f"cache_log {self.folder}/cache.log",
                    f"pid_filename {self.folder}/squid.pid",
                    f"coredump_dir {self.folder}",
                    "",
                ]
            )
        )

    def _rewriter(self, target_port: int) -> Path:
        """A helper that redirects every CONNECT to the stand-in."""
        script = self.folder / "rewrite"
        script.write_text(
            f"#!/bin/sh\nwhile read -r line; do echo 'OK rewrite-url=\"127.0.0.1:{target_port}\"'; done\n"
        )
        script.chmod(0o755)
        return script

    def __enter__(self) -> Self:
        (self.folder / "cache.log").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [self._program, "-N", "-f", self._settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | self._environment,
        )
        deadline = time.monotonic() + SECONDS
        while "Accepting HTTP" not in self._log():
            assert self._process.poll() is None, f"squid ended:\n{self._log()}"
            assert time.monotonic() < deadline, f"squid never came up:\n{self._log()}"
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # SIGTERM takes two seconds; the helpers end with their input
        self._process.wait(SECONDS)
        shutil.rmtree(self.folder)

    def requests(self, at_least: int = 0) -> list[tuple[int, str, str]]:
        """The requests so far: status, target, and user or "-".

        Waits until there are `at_least` so many. A tunnel is logged when it ends.
        """
        deadline = time.monotonic() + SECONDS
        log = self.folder / "access.log"
        while True:
            text = log.read_text() if log.exists() else ""
            lines = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
            if len(lines) >= at_least:
                return [(int(status), target, user) for status, target, user in lines]
            assert time.monotonic() < deadline, f"not {at_least} requests:\n{text}"
            time.sleep(0.02)

    def _log(self) -> str:
        log = self.folder / "cache.log"
        return log.read_text(errors="replace") if log.exists() else ""
