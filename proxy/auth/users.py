"""Who can log in, as the files say: hashes of passwords for Basic, HA1 for Digest. No I/O, no clock."""

import hmac
import secrets
from collections.abc import Mapping

from .digest import HEX_DIGITS, md5_works
from .password_hash import PasswordHash
from .scheme import DIGESTS, Scheme


class Users:
    """The users of both files, by name.

    `digests` are the algorithms that everybody in the htdigest file has a hash for: only these can be offered, since a
    client takes one and does not try another. `notes` are what an operator should know of the files, in sentences.
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
        complete = [scheme for scheme in DIGESTS if everybody and self._ha1[scheme].keys() == everybody]
        self.digests = tuple(scheme for scheme in complete if scheme is not Scheme.DIGEST_MD5 or md5_works())
        self._costs = [self._passwords[user] for user in sorted(self._passwords)]
        self._key = secrets.token_bytes(32)
        self._nobodys_ha1 = {scheme: secrets.token_hex(digits // 2) for scheme, digits in HEX_DIGITS.items()}

    def __repr__(self) -> str:
        return f"Users({self.with_password} by password, {self.with_digest} by Digest)"

    @property
    def with_password(self) -> int:
        """How many can log in by Basic."""
        return len(self._passwords)

    @property
    def with_digest(self) -> int:
        """How many can log in by Digest, by one algorithm at least."""
        return len(set().union(*self._ha1.values()))

    def knows(self, user: str) -> bool:
        """Whether this user can log in by a password, in one way at least."""
        return user in self._passwords or any(user in known for known in self._ha1.values())

    def password_of(self, user: str) -> tuple[PasswordHash | None, bool]:
        """The hash to check a password against, and whether it is this user's.

        A user that there is none of gets one that costs as much as somebody's, always the same for the same name: so
        time does not tell who is known. None only where nobody is.
        """
        stored = self._passwords.get(user)
        if stored is not None:
            return stored, True
        if not self._costs:
            return None, False
        chosen = int.from_bytes(hmac.digest(self._key, user.encode(), "sha256")[:8], "big") % len(self._costs)
        return self._costs[chosen].dummy(), False

    def ha1_of(self, scheme: Scheme, user: str) -> tuple[str, bool]:
        """The HA1 to check a Digest against, and whether it is this user's; a random one for whoever is not known."""
        stored = self._ha1[scheme].get(user)
        return (self._nobodys_ha1[scheme], False) if stored is None else (stored, True)
