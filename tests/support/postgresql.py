"""A PostgreSQL server of the tests' own, from Debian's programs, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.requirements import missing, require_file
from support.upstream import SECONDS, closed_port

PASSWORD = "ledger-p@ss/word"
_ESCAPED = "ledger-p%40ss%2Fword"
_PROGRAMS = Path("/usr/lib/postgresql")


class PostgreSql:
    """A server with one role, `gate`, which logs in by PASSWORD. It runs inside a `with` block.

    Started by root it runs as another user, since PostgreSQL refuses root.
    """

    def __init__(self) -> None:
        releases = sorted(require_file(_PROGRAMS, "postgresql").glob("*/bin/initdb"))
        if not releases:
            missing("PostgreSQL's initdb", "install the Debian package postgresql")
        self._programs = releases[-1].parent
        self._user = _unprivileged() if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self.port = closed_port()
        self._number = 0

    def __enter__(self) -> Self:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            for path in (self._folder, password):
                shutil.chown(path, self._user)
        self._run(
            "initdb",
            "--pgdata",
            self._data,
            "--username=gate",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "-E",
            "UTF8",
        )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._folder}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options], stdout=log, stderr=log, user=self._user
            )
        Path(log.name).unlink()
        deadline = time.monotonic() + SECONDS
        while subprocess.run([self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert self._process.poll() is None, "PostgreSQL ended at its start"
            assert time.monotonic() < deadline, "PostgreSQL takes no connections"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server, and cut its connections."""
        self._process.send_signal(2)  # a fast shutdown
        self._process.wait(SECONDS)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._number += 1
        name = f"ledger{self._number}"
        self.psql(f"CREATE DATABASE {name}", "postgres")
        return f"postgresql://gate:{_ESCAPED}@127.0.0.1:{self.port}/{name}"

    def psql(self, statement: str, database: str) -> str:
        """Run a statement and return its rows."""
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "gate", "-d", database)
        done = subprocess.run(
            (self._programs / "psql", "-qAt", *address, "-c", statement),
            env={**os.environ, "PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS * 4,
            user=self._user,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr


def _unprivileged() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
