"""`licensegate cert`: shows the gate's certificate, makes one, and checks one before clients do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from licensegate.allowlist.target import TargetError, parse_host
from licensegate.app.settings import Settings
from licensegate.certs.host_names import host_names
from licensegate.certs.pair import KEPT_CERTIFICATE, KEPT_KEY, write_pair
from licensegate.certs.pem import CertificateError, read_chain
from licensegate.certs.reading import Facts, facts_of
from licensegate.certs.review import Finding, review_chain, review_pair
from licensegate.certs.self_signed import DAYS, make_pair
from licensegate.certs.trust import trust_of

from .check import LONGEST_HOST_NAME
from .layout import sections


class CertificateCheck(Struct, frozen=True):
    """Whether clients can be expected to take a certificate, and what there is to say of it in lines for people."""

    usable: bool
    text: str


def served_certificate(settings: Settings) -> Path:
    """The file of the certificate that a gate with these settings serves. Raises CertificateError if it has none."""
    if settings.tls.certificate is not None:
        return settings.tls.certificate
    if settings.state_directory is None:
        raise CertificateError(
            "a gate with these settings makes a certificate at each start and keeps none; "
            "set tls.certificate and tls.key, or state.directory"
        )
    path = settings.state_directory / KEPT_CERTIFICATE
    try:
        path.stat()
    except FileNotFoundError:
        raise CertificateError(
            f"{path}: is made when the gate first starts; it has not started with these settings"
        ) from None
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}; ask as the gate's own user") from None
    return path


def show(path: Path, now: datetime) -> str:
    """Everything that the certificates in a file say. Raises CertificateError."""
    chain = read_chain(path)
    return "\n".join([_described(chain, path, now), *_lines(_judged(review_chain(chain, str(path), now), chain, path))])


def make(directory: Path, typed: Sequence[str], days: int | None) -> str:
    """Write a new pair for the names that were typed, else for all of this machine's. Raises CertificateError."""
    try:
        names = tuple(dict.fromkeys(parse_host(name, wildcard=True) for name in typed)) or host_names()
    except TargetError as error:
        raise CertificateError(f"no certificate can be made for that name: {error}") from None
    certificate, key = (directory / name for name in (KEPT_CERTIFICATE, KEPT_KEY))
    write_pair(make_pair(names, days or DAYS), certificate, key)
    facts = facts_of(read_chain(certificate)[0], str(certificate))
    made = {"made": [str(certificate), f"{key}, which nobody else may read"], "names": facts.names}
    made |= {"valid": [f"until {facts.not_after:%Y-%m-%d}"], "SHA-256": [facts.fingerprint]}
    return sections(made)


def check(certificate: Path, key: Path, now: datetime) -> CertificateCheck:
    """Judge a pair that the gate is to serve. Raises CertificateError where a file cannot be read."""
    chain = read_chain(certificate)
    findings = _judged(review_pair(certificate, key, now), chain, certificate)
    usable = not any(finding.fault for finding in findings)
    conclusion = "the gate can serve it" if usable else "do not serve it"
    return CertificateCheck(usable, "\n".join([_described(chain, certificate, now), *_lines(findings), conclusion]))


def _described(chain: Sequence[bytes], path: Path, now: datetime) -> str:
    own, *others = [facts_of(part, str(path)) for part in chain]
    return sections(
        {
            "certificate": [str(path)],
            "subject": [own.subject],
            "issuer": [own.issuer],
            "names": own.names,
            "valid": [_validity(own, now)],
            "SHA-256": [own.fingerprint],
            "key": [own.key],
            "chain": [f"{other.subject}, until {other.not_after:%Y-%m-%d}" for other in others],
            "trust": [trust_of(chain, str(path)).text],
        }
    )


def _validity(facts: Facts, now: datetime) -> str:
    left = (facts.not_after - now).days
    return (
        f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}, {f'{left} days left' if left >= 0 else 'expired'}"
    )


def _judged(findings: Iterator[Finding] | list[Finding], chain: Sequence[bytes], path: Path) -> list[Finding]:
    """The findings, with what only the makers of licensing clients know at the end."""
    names = facts_of(chain[0], str(path)).names
    return [*findings, *(Finding(False, _too_long(name)) for name in names if len(name) > LONGEST_HOST_NAME)]


def _too_long(name: str) -> str:
    return f"{name} is longer than the {LONGEST_HOST_NAME} characters that FMC takes for a proxy"


def _lines(findings: Sequence[Finding]) -> list[str]:
    return [f"{'fault' if finding.fault else 'warning'}: {finding.text}" for finding in findings]
