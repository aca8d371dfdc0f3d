"""The files that contenders with a login or with TLS need: the same for all."""

import hashlib
import subprocess
from pathlib import Path

from route import PASSWORD, REALM, USER
from running import Instance, executable


def htpasswd(instance: Instance) -> Path:
    """A password file for Basic, with an APR1 hash, which every contender reads."""
    openssl = executable("openssl", "openssl")
    hashed = subprocess.run([openssl, "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True)
    return instance.write("users.htpasswd", f"{USER}:{hashed.stdout.strip()}\n")


def htdigest(instance: Instance) -> Path:
    """A file of hashes for Digest, with MD5, which every contender reads."""
    hashed = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
    return instance.write("users.htdigest", f"{USER}:{REALM}:{hashed}\n")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key on P-256."""
    pem, key = folder / "localhost.pem", folder / "localhost.key"
    command = [executable("openssl", "openssl"), "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", str(key), "-out", str(pem)]
    subprocess.run([*command, *files, *names], capture_output=True, check=True)
    key.chmod(0o644)  # squid drops root's rights before it reads it
    return pem, key
