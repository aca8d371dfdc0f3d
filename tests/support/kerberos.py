"""A Kerberos realm with MIT's KDC: principals, keytabs and ticket caches."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.requirements import missing, require_command
from support.upstream import SECONDS, closed_port

REALM = "TEST.EXAMPLE"
PARENT = "proxy.test.example"
"""The host name of the proxy that has a keytab."""

USER, PASSWORD = "svc-licensing", "correct-horse"


def require_gssapi() -> None:
    """Skip the test without python-gssapi."""
    try:
        import gssapi  # noqa: F401 - what counts is whether it is there and finds its libraries
    except ImportError:
        missing("python-gssapi", "run scripts/kerberos.sh")


class Kdc:
    """A realm with USER and the service of the proxy PARENT. In a `with` block, its KDC grants tickets for `seconds`.

    `inside` is a command prefix that enters the network namespace in which the KDC listens.
    `environment` makes programs use the realm; `keytab` is the user's, `service_keytab` the proxy's.
    """

    def __init__(self, seconds: int = 3600, inside: Sequence[str] = ()) -> None:
        self._inside = inside
        self._krb5kdc = require_command("krb5kdc", "krb5-kdc")
        kdb5_util = require_command("kdb5_util", "krb5-kdc")
        self._kadmin = require_command("kadmin.local", "krb5-admin-server")
        self.folder = Path(tempfile.mkdtemp(prefix="kdc-"))
        self.folder.chmod(0o755)  # squid, started by root, reads this as its own user
        self.port = closed_port()
        self.environment = {
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.folder}/cache",
        }
        self._log = self.folder / "kdc.log"
        self._write_settings(seconds)
        self._run(kdb5_util, "create", "-s", "-P", "master", "-r", REALM)
        self._administer(f"addprinc -pw {PASSWORD} +requires_preauth {USER}")
        self._administer(f"addprinc -randkey HTTP/{PARENT}")
        self.keytab = self.folder / "user.keytab"
        self._administer(f"ktadd -norandkey -k {self.keytab} {USER}")
        self.service_keytab = self.folder / "service.keytab"
        self._administer(f"ktadd -norandkey -k {self.service_keytab} HTTP/{PARENT}")
        self.service_keytab.chmod(0o644)

    def _write_settings(self, seconds: int) -> None:
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n ticket_lifetime = {seconds}s\n dns_lookup_kdc = false\n"
            " dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n[domain_realm]\n .test.example = {REALM}\n"
        )
        (self.folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {self.folder}/principals\n"
            f"  key_stash_file = {self.folder}/stash\n  max_life = {seconds}s\n }}\n"
            f"[logging]\n kdc = FILE:{self._log}\n"
        )

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._inside, self._krb5kdc, "-n"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environ(),
        )
        deadline = time.monotonic() + SECONDS
        while True:
            if self._log.exists() and "commencing operation" in self._log.read_text():
                return self
            assert self._process.poll() is None, "the KDC ended"
            assert time.monotonic() < deadline, "the KDC never came up"
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        shutil.rmtree(self.folder)

    def log_in(self, seconds: int = 600) -> str:
        """Get a ticket with this lifetime, and return the name of its cache."""
        cache = f"FILE:{self.folder}/cache"
        kinit = require_command("kinit", "krb5-user")
        self._run(kinit, "-l", f"{seconds}s", "-c", cache, "-k", "-t", str(self.keytab), USER)
        return cache

    def replace_service_key(self) -> None:
        """Give the proxy's service a new key, which makes earlier tickets useless."""
        self._administer(f"cpw -randkey HTTP/{PARENT}")
        self.service_keytab.unlink()
        self._administer(f"ktadd -norandkey -k {self.service_keytab} HTTP/{PARENT}")
        self.service_keytab.chmod(0o644)

    @property
    def granted(self) -> int:
        """How many ticket-granting tickets were granted so far."""
        return self._log.read_text().count("AS_REQ") - self._log.read_text().count("NEEDED_PREAUTH")

    @property
    def wrong_passwords(self) -> int:
        """How many wrong passwords the KDC has seen so far."""
        return self._log.read_text().count("verify failure")

    def _administer(self, command: str) -> None:
        self._run(self._kadmin, "-q", command)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self._environ(), capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr

    def _environ(self) -> dict[str, str]:
        return os.environ | self.environment
