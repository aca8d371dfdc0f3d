"""Keeps secrets out of everything the doctor prints and packs. Text in, text out.

Two lines of defence: what looks like a login, a key or a query is removed wherever it stands, and so is every secret
that this process could read itself, as it is and in base64.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from msgspec import structs

from licensegate.app.settings import Settings
from licensegate.files.read import read_whole
from licensegate.records.text import printable

from .path.login import ClientLogin
from .step import StepResult

_REMOVED: Final = "[removed]"
_SHORTEST: Final = 4
"""A shorter secret would be found in half of all words."""
_FILE_BYTES: Final = 1 << 20
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@\"']+(?=@)")
_TELLING_NAME: Final = re.compile(
    r"(?i)pass|secret|token|credential|cookie|(?:^|_)(?:pwd|key|api_?key|auth|login)(?:_|$)"
)
_PEM_LINE: Final = re.compile(r"-----.*-----")


class Redactor:
    """Removes the known secrets, and what looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clean(self, text: str) -> str:
        """The text without secrets."""
        text = _USERINFO.sub("...", _PRIVATE_KEY.sub(_REMOVED, text))
        return self._known.sub(_REMOVED, text) if self._known else text

    def clean_result(self, result: StepResult) -> StepResult:
        """A step's result without secrets."""
        return structs.replace(result, seen=self.clean(result.seen), cure=self.clean(result.cure))


def known_secrets(settings: Settings, environ: Mapping[str, str], login: ClientLogin | None) -> list[str]:
    """Every secret that this process can read: in files that the settings name, in the environment, in `login`."""
    tls, auth = settings.tls, settings.auth
    secrets = [*_lines(settings.admin.token_file), *_lines(auth.nonce_key_file), *_lines(tls.key)]
    for users in (auth.htpasswd, auth.htdigest):
        secrets += [part for line in _lines(users) for part in line.split(":")[1:]]
    for parent in settings.parents.proxies:
        passwords = _lines(parent.login.password_file)
        if parent.login.password is not None:
            passwords.append(parent.login.password.raw.decode(errors="replace"))
        secrets += _logins(parent.login.username, passwords)
    for product in settings.products:
        secrets += _logins(product.username, _lines(product.password_file))
    if (url := settings.ledger.place.url) is not None:
        secrets += _passwords_in(url.raw.decode(errors="replace"))
    if login is not None:
        secrets += _logins(login.user, [login.password.raw.decode(errors="replace")])
    for name, value in environ.items():
        if _TELLING_NAME.search(name) and not value.startswith("/"):  # a path is not a secret
            secrets.append(value)
        for userinfo in _USERINFO.findall(value):
            secrets += [userinfo, *userinfo.split(":")[1:]]
    return [secret for secret in dict.fromkeys(map(str.strip, secrets)) if secret]


def _logins(user: str, passwords: Sequence[str]) -> list[str]:
    """The passwords as they are, and as Basic writes them with their user."""
    return [*passwords, *(f"{user}:{password}" for password in passwords)]


def _passwords_in(url: str) -> list[str]:
    """The passwords in a database's URL, before its host or among its parameters, as they are and as written there."""
    parts = urlsplit(url)
    parameters = (each.partition("=") for each in parts.query.split("&"))
    written = [parts.password or "", *(value for name, _, value in parameters if "password" in name)]
    return [*written, *map(unquote, written)]


def _lines(file: Path | None) -> list[str]:
    """The lines of a file, none if it cannot be read. Those around a key in PEM are no secret."""
    if file is None:
        return []
    try:
        text = read_whole(file, _FILE_BYTES).decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if not _PEM_LINE.fullmatch(line)]


def _forms(secret: str) -> set[str]:
    """A secret as it is, as JSON, URLs and our own output escape it, and in both alphabets of base64.

    The last character of base64 depends on what follows, so one less will do.
    """
    raw = secret.encode(errors="replace")
    encoded = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    stems = (each.rstrip("=")[: len(raw) * 8 // 6] for each in encoded)
    plain = {secret, printable(raw, 4 * len(raw))}
    return {
        *plain,
        *(json.dumps(each)[1:-1] for each in plain),
        *(json.dumps(each, ensure_ascii=False)[1:-1] for each in plain),
        quote(raw, safe=""),
        *encoded,
        *(stem for stem in stems if len(stem) >= _SHORTEST),
    }
