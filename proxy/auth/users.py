"""The users of the files: password hashes for Basic, HA1 for Digest. No I/O, no clock."""

import hmac
import secrets
from collections.abc import Mapping

from msgspec import Struct

from .digest_hash import ALGORITHMS, usable_digests
from .password_hash import PasswordHash
from .scheme import DIGESTS, Scheme


class UserChanges(Struct, frozen=True):
    """The names of users that were added or removed, and of those whose password was changed."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Users:
    """The users of both files, by name.

    `digests` are the algorithms that every user of the htdigest file has a hash for. Only these can be offered, because
    a client takes one and does not try another. `notes` are sentences about the files for the operator.
    """

    def __init__(
        self,
        passwords: Mapping[str, PasswordHash],
        ha1: Mapping[Scheme, Mapping[str, str]],
        notes: tuple[str, ...] = (),
    ) -> None:
        self._passwords = dict(passwords)
        self._ha1 = {scheme: dict(ha1.get(scheme, {})) for scheme in DIGESTS}
        self.notes = notes
        everybody = set().union(*self._ha1.values())
        self.digests = tuple(
            scheme for scheme in usable_digests() if everybody and self._ha1[scheme].keys() == everybody
        )
        self._costs = [self._passwords[user] for user in sorted(self._passwords)]
        self._key = secrets.token_bytes(32)
        self._unknown_ha1 = {
            scheme: secrets.token_hex(algorithm.hex_digits // 2) for scheme, algorithm in ALGORITHMS.items()
        }

    def __repr__(self) -> str:
        return f"Users({self.with_password} by password, {self.with_digest} by Digest)"

    @property
    def names(self) -> list[str]:
        """The names of all users, sorted."""
        return sorted(self._credentials())

    @property
    def with_password(self) -> int:
        """How many can log in by Basic."""
        return len(self._passwords)

    @property
    def with_digest(self) -> int:
        """How many can log in by Digest, by at least one algorithm."""
        return len(set().union(*self._ha1.values()))

    def knows(self, user: str) -> bool:
        """Tell whether this user can log in by a password, in at least one way."""
        return user in self._passwords or any(user in known for known in self._ha1.values())

    def changes_since(self, before: "Users") -> UserChanges:
        """Compare these users with those of an earlier reading."""
        old, new = before._credentials(), self._credentials()
        return UserChanges(
            tuple(sorted(new.keys() - old.keys())),
            tuple(sorted(old.keys() - new.keys())),
            tuple(sorted(user for user in new.keys() & old.keys() if new[user] != old[user])),
        )

    def _credentials(self) -> dict[str, list[str | bytes]]:
        """What is stored of each user."""
        found: dict[str, list[str | bytes]] = {user: [stored.text.raw] for user, stored in self._passwords.items()}
        for scheme, known in self._ha1.items():
            for user, ha1 in known.items():
                found.setdefault(user, []).extend((scheme, ha1))
        return found

    def password_of(self, user: str) -> tuple[PasswordHash | None, bool]:
        """Return the hash to check a password against, and whether it is this user's.

        An unknown user gets a hash that costs as much as some known user's, always the same for the same name, so that
        timing does not tell who is known. None only if there are no users.
        """
        stored = self._passwords.get(user)
        if stored is not None:
            return stored, True
        if not self._costs:
            return None, False
        chosen = int.from_bytes(hmac.digest(self._key, user.encode(), "sha256")[:8], "big") % len(self._costs)
        return self._costs[chosen].dummy(), False

    def ha1_of(self, scheme: Scheme, user: str) -> tuple[str, bool]:
        """Return the HA1 to check a Digest against, and whether it is this user's; a random one for unknown users."""
        stored = self._ha1[scheme].get(user)
        return (self._unknown_ha1[scheme], False) if stored is None else (stored, True)
