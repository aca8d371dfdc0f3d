"""The names in a certificate, and which host they are for (RFC 9525)."""

from collections.abc import Iterable


class CertificateNames:
    """Host names, wildcards and IP addresses, in lower case. A wildcard matches one label."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = tuple(name.lower().removesuffix(".") for name in names)
        self._exact = frozenset(self.all)
        self._below = frozenset(name[2:] for name in self.all if name.startswith("*."))

    def match(self, name: str) -> bool:
        """Tell whether the certificate is for this host, a name or an address in normal form."""
        label, _, parent = name.partition(".")
        return name in self._exact or bool(label and parent in self._below)
