"""Which keys of the settings may be shown to a stranger. Everything that leaves this host is redacted by it.

But for the URL of the ledger, no key holds a password itself: the settings name a file or an environment variable.
"""

from collections.abc import Callable, Mapping
from typing import Final

from licensegate.ledger.place import masked
from licensegate.records.text import redacted

SECRET_FILES: Final = frozenset(
    {
        "tls.key",
        "auth.htpasswd",
        "auth.htdigest",
        "auth.nonce_key_file",
        "admin.token_file",
        "parent.password_file",
        "product.password_file",
        "log.syslog_key",
        "parent.keytab",
        "parent.ticket_cache",
    }
)
"""Keys that name a file with a secret in it: its path may be shown, its content never."""

PRIVATE: Final = frozenset({"parent.username", "parent.password_env", "parent.user_agent", "product.username"})
"""Keys that may hold half of a login, or a password written into the wrong key: only that they are set is shown."""

MASKED: Final = frozenset({"ledger.url"})
"""Keys with a URL that may have a password in it, which is left out."""

NOT_SHOWN: Final = "(set, not shown)"


def without_secrets(values: Mapping[str, object]) -> dict[str, object]:
    """The values of the settings by dotted key, as `schema.values` has them, fit for a stranger's eyes."""
    return {key: without_logins(key, value, _redacted) for key, value in values.items()}


def without_logins(key: str, value: object, of_text: Callable[[str], str] = str) -> object:
    """The value of this key without what is PRIVATE or MASKED in it; other texts go through `of_text`."""
    match value:
        case str():
            if key in PRIVATE:
                return NOT_SHOWN if value else ""
            return masked(value) if key in MASKED else of_text(value)
        case list() | tuple():
            return [without_logins(key, item, of_text) for item in value]
        case dict():
            return {name: without_logins(f"{key}.{name}", item, of_text) for name, item in value.items()}
        case _:
            return value


def _redacted(text: str) -> str:
    return redacted(text.encode(errors="replace")).decode(errors="replace")
