"""`licensegate cert`: shows the gate's certificate, makes one, or checks one before it is served."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.allowlist.target import TargetError, parse_host
from licensegate.app.settings import Settings
from licensegate.app.terminal import complain, say
from licensegate.certs.certificate_info import CertificateInfo, certificate_info
from licensegate.certs.host_names import host_names
from licensegate.certs.key_pair import KEPT_CERTIFICATE, KEPT_KEY, write_key_pair
from licensegate.certs.pem import CertificateError, read_chain
from licensegate.certs.review import Problem, review_chain, review_key_pair
from licensegate.certs.self_signed import DAYS, make_key_pair
from licensegate.certs.trust import check_trust

from .check_warnings import LONGEST_HOST_NAME
from .help_texts import help_texts
from .layout import sections
from .settings_file import load_or_exit

NOTES: Final = """\
exit status:
  0  shown, made, or usable; there may be warnings
  1  check: clients would refuse it, or the key does not belong to it
  2  the command line, the settings, or a file cannot be used
"""

_MOST_DAYS: Final = 36525  # a century


class CertificateCheck(Struct, frozen=True):
    """Whether clients should accept the certificate, and the report to print."""

    usable: bool
    text: str


def served_certificate(settings: Settings) -> Path:
    """The file of the certificate that a gate with these settings serves. Raises CertificateError if it has none."""
    if settings.tls.certificate is not None:
        return settings.tls.certificate
    if settings.state_directory is None:
        raise CertificateError(
            "a gate with these settings makes a certificate at each start and does not keep it; "
            "set tls.certificate and tls.key, or state.directory"
        )
    path = settings.state_directory / KEPT_CERTIFICATE
    try:
        path.stat()
    except FileNotFoundError:
        raise CertificateError(
            f"{path}: the gate makes it at its first start, and has not been started with these settings yet"
        ) from None
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}; run this as the gate's user") from None
    return path


def show(path: Path, now: datetime) -> str:
    """Describe the certificates in a file, with warnings. Raises CertificateError."""
    chain = read_chain(path)
    return "\n".join(
        [_description(chain, path, now), *_lines(_all_problems(review_chain(chain, str(path), now), chain, path))]
    )


def make(directory: Path, typed: Sequence[str], days: int | None) -> str:
    """Write a new pair for the given names, by default all names of this machine. Raises CertificateError."""
    try:
        names = tuple(dict.fromkeys(parse_host(name, wildcard=True) for name in typed)) or host_names()
    except TargetError as error:
        raise CertificateError(f"no certificate can be made for that name: {error}") from None
    certificate, key = (directory / name for name in (KEPT_CERTIFICATE, KEPT_KEY))
    write_key_pair(make_key_pair(names, days or DAYS), certificate, key)
    info = certificate_info(read_chain(certificate)[0], str(certificate))
    made = {"made": [str(certificate), f"{key}, which only you may read"], "names": info.names}
    made |= {"valid": [f"until {info.not_after:%Y-%m-%d}"], "SHA-256": [info.fingerprint]}
    return sections(made)


def check(certificate: Path, key: Path, now: datetime) -> CertificateCheck:
    """Check a pair before the gate serves it. Raises CertificateError if a file cannot be read."""
    chain = read_chain(certificate)
    problems = _all_problems(review_key_pair(certificate, key, now), chain, certificate)
    usable = not any(problem.fault for problem in problems)
    conclusion = "the gate can serve it" if usable else "do not serve it"
    return CertificateCheck(usable, "\n".join([_description(chain, certificate, now), *_lines(problems), conclusion]))


def _description(chain: Sequence[bytes], path: Path, now: datetime) -> str:
    own, *others = [certificate_info(part, str(path)) for part in chain]
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
            "trust": [check_trust(chain, str(path)).text],
        }
    )


def _validity(info: CertificateInfo, now: datetime) -> str:
    left = (info.not_after - now).days
    return f"{info.not_before:%Y-%m-%d} to {info.not_after:%Y-%m-%d}, {f'{left} days left' if left >= 0 else 'expired'}"


def _all_problems(problems: Iterator[Problem] | list[Problem], chain: Sequence[bytes], path: Path) -> list[Problem]:
    """The problems, and a warning for each name that is too long for FMC."""
    names = certificate_info(chain[0], str(path)).names
    return [*problems, *(Problem(False, _too_long(name)) for name in names if len(name) > LONGEST_HOST_NAME)]


def _too_long(name: str) -> str:
    return f"{name} is longer than the {LONGEST_HOST_NAME} characters that FMC accepts for a proxy"


def _lines(problems: Sequence[Problem]) -> list[str]:
    return [f"{'fault' if problem.fault else 'warning'}: {problem.text}" for problem in problems]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    show = _add_action(actions, "show", _show, "show everything about a certificate")
    which = show.add_mutually_exclusive_group()
    which.add_argument("--config", metavar="FILE", type=Path, help="the settings of the gate that serves it")
    which.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a certificate, optionally with its chain")

    make = _add_action(actions, "make", _make, "make a self-signed gate.pem and gate.key; never overwrites a file")
    make.add_argument("--name", action="append", default=[], help="a host or address of the gate; may be repeated")
    make.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="folder for the files; default: the current one"
    )
    make.add_argument("--days", type=_days, help="days of validity; default: ten years")

    check = _add_action(actions, "check", _check, "check whether clients can accept a certificate and its key")
    check.add_argument("certificate", metavar="CERT", type=Path, help="the certificate, followed by its chain")
    check.add_argument("key", metavar="KEY", type=Path, help="its key")


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was typed."""
    try:
        return int(arguments.run_action(arguments))
    except CertificateError as error:
        return complain(str(error))


def _add_action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run_action: Callable[[argparse.Namespace], int],
    purpose: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, **help_texts(purpose, NOTES))
    parser.set_defaults(run_action=run_action)
    return parser


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to {_MOST_DAYS}")
    return int(text)


def _show(arguments: argparse.Namespace) -> int:
    file = arguments.file or served_certificate(load_or_exit(arguments.config))
    return say(show(file, datetime.now(UTC)))


def _make(arguments: argparse.Namespace) -> int:
    return say(make(arguments.out, arguments.name, arguments.days))


def _check(arguments: argparse.Namespace) -> int:
    result = check(arguments.certificate, arguments.key, datetime.now(UTC))
    say(result.text)
    return 0 if result.usable else 1
