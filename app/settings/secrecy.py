"""Which keys of the settings may be shown to a stranger. Everything that leaves this host is redacted by it.

But for the URL of the ledger, no key holds a password itself: the settings name a file or an environment variable.
"""

from collections.abc import Mapping
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
        "parent.keytab",
        "parent.ticket_cache",
    }
)
"""Keys that name a file with a secret in it: its path may be shown, its content never."""

PRIVATE: Final = frozenset({"parent.username", "parent.password_env", "parent.user_agent", "product.username"})
"""Keys that may hold half of a login, or a password written into the wrong key: only that they are set is shown."""

MASKED: Final = frozenset({"ledger.url"})
"""Keys with a URL that may have a password in it, which is left out."""

_SET: Final = "(set, not shown)"


def without_secrets(values: Mapping[str, object]) -> dict[str, object]:
    """The values of the settings by dotted key, as `schema.values` has them, fit for a stranger's eyes."""
    return {key: _shown(key, value) for key, value in values.items()}


def _shown(key: str, value: object) -> object:
    match value:
        case str():
            if key in PRIVATE:
                return _SET if value else ""
            if key in MASKED:
                return masked(value)
            return redacted(value.encode(errors="replace")).decode(errors="replace")
        case list() | tuple():
            return [_shown(key, item) for item in value]
        case dict():
            return {name: _shown(f"{key}.{name}", item) for name, item in value.items()}
        case _:
            return value
