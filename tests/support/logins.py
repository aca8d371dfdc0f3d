"""Values of Proxy-Authorization as clients send them (RFC 7616, RFC 7617), and user files."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import bcrypt

USER, PASSWORD = "cucm-pub", "smart-licence"
REALM = "LicenseGate"

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


def basic(user: str = USER, password: str = PASSWORD, encoding: str = "utf-8") -> str:
    """The value of Proxy-Authorization for Basic (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def parameters(challenge: str) -> dict[str, str]:
    """The parameters of a challenge, by name."""
    return {name: quoted or token for name, quoted, token in _PARAMETER.findall(challenge)}


def digest(
    challenge: str,
    user: str = USER,
    password: str = PASSWORD,
    *,
    uri: str = "tools.cisco.com:443",
    count: int = 1,
    cnonce: str = "0a4f113b",
    method: str = "CONNECT",
    **instead: str,
) -> str:
    """The answer to a Digest challenge (RFC 7616). `instead` replaces parameters of the right answer."""
    asked = parameters(challenge)
    algorithm, realm, nonce = asked.get("algorithm", "MD5"), asked["realm"], asked["nonce"]
    hashed = _HASHES[algorithm]
    nc = f"{count:08x}"
    secret = hashed(f"{user}:{realm}:{password}".encode())
    response = hashed(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{hashed(f'{method}:{uri}'.encode())}".encode())
    sent = {
        "username": f'"{user}"',
        "realm": f'"{realm}"',
        "nonce": f'"{nonce}"',
        "uri": f'"{uri}"',
        "algorithm": algorithm,
        "response": f'"{response}"',
        "qop": "auth",
        "nc": nc,
        "cnonce": f'"{cnonce}"',
    }
    return "Digest " + ", ".join(f"{name}={value}" for name, value in (sent | instead).items())


def htpasswd_line(user: str = USER, password: str = PASSWORD, cost: int = 4) -> str:
    """A line of an htpasswd file as Apache's htpasswd -B writes it, with a low cost by default."""
    return f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode().replace('$2b$', '$2y$')}\n"


def htdigest_lines(user: str = USER, password: str = PASSWORD, realm: str = REALM) -> str:
    """The two lines of an htdigest file, one per algorithm."""
    secret = f"{user}:{realm}:{password}".encode()
    return "".join(f"{user}:{realm}:{hashed(secret)}\n" for hashed in _HASHES.values())


def write_user_files(folder: Path, *users: tuple[str, str]) -> tuple[Path, Path]:
    """An htpasswd and an htdigest file with these users and passwords, by default one of each."""
    htpasswd, htdigest = folder / "users.htpasswd", folder / "users.htdigest"
    known = users or ((USER, PASSWORD),)
    htpasswd.write_text("".join(htpasswd_line(*user) for user in known))
    htdigest.write_text("".join(htdigest_lines(*user) for user in known))
    return htpasswd, htdigest
