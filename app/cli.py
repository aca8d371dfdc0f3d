"""The `licensegate` command: what can be typed, and what `--help` says of it. `verbs` does it."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from . import verbs
from .terminal import complain

if TYPE_CHECKING:
    _Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"

_SETTINGS: Final = """\
settings:
  One TOML file, named by --config, else by LICENSEGATE_CONFIG, else the built-in defaults: ports 3128, 8080 and 443,
  clients from private networks, and Cisco's licensing hosts as targets. All keys stand in docs/settings.md.

environment:
  LICENSEGATE_CONFIG             the settings file, where the command line names none
  LICENSEGATE__SECTION__KEY      overrides a key of the file, e.g. LICENSEGATE__LIMITS__TUNNELS=1000; lists are
                                 separated by commas
  LICENSEGATE__LISTEN            addresses to listen on, e.g. 0.0.0.0:3128,[::]:3128
  LICENSEGATE__ALLOWLIST__RULE   targets of your own, e.g. ssm.example.net:443
  STATE_DIRECTORY                where state is kept unless state.directory is set; systemd sets it
"""

_SERVE_NOTES: Final = """\
exit status:
  0  stopped as asked
  1  could not serve, for example because no address could be bound
  2  the command line or the settings cannot be used; the error names the place
"""
_RELOAD_NOTES: Final = """\
  Open tunnels go on under the settings that they began with. The gate is asked over control.sock in the state
  directory (systemd: the runtime directory), which only its own user and root may use; SIGHUP does the same.

exit status:
  0  the settings are in force as they are written now
  1  refused: they cannot be used, and those in force stay
  2  no gate can be asked
"""
_CHECK_NOTES: Final = """\
exit status:
  0  the settings can be used; there may be warnings on standard error
  2  they cannot; the error names the place
"""
_TEST_RULE_NOTES: Final = """\
exit status:
  0  allowed
  1  refused
  2  the command line or the settings cannot be used
"""
_HEALTH_NOTES: Final = """\
  healthz    does it live? (without a QUESTION)
  readyz     does it take clients?
  upstreamz  can every target be reached? This may dial them.

  The gate is asked at admin.listen of its settings, or at --url; docs/monitoring.md has the answers.

exit status:
  0  yes
  1  no, or it does not answer
  2  the command line or the settings cannot be used
"""
_CERT_NOTES: Final = """\
exit status:
  0  shown, made, or fit to be served; there may be warnings
  1  check: clients would refuse it, or the key does not belong to it
  2  the command line, the settings, or a file cannot be used
"""
_USERS_NOTES: Final = """\
  The password is asked for at the terminal, or read as told; it cannot stand on the command line. A file that is named
  like htdigest is one for Digest, any other one for Basic; where both are named, the user is changed in both.

    licensegate passwd users.htpasswd users.htdigest --add cucm-pub

exit status:
  0  done, or the password is right
  1  check: it is wrong, or there is no such user in one of the files; remove: there was none in any
  2  the command line, the password or a file cannot be used
"""
_SUGGEST_NOTES: Final = """\
  Reads the access log, finds the targets that were refused, or passed only because they are reported, and are not
  allowed by now, and prints the presets and rules that would allow them, as a difference to the settings file:

    licensegate suggest-rules --config gate.toml access.jsonl | patch gate.toml

  Above each stands how often it was asked for, by how many clients, first and last when. Read it before you apply it:
  whatever clients ask for is in there. Lines that are no records are passed over and named on standard error.

exit status:
  0  told, also where there is nothing to add
  2  the command line, the settings or the log cannot be used; the error names the place
"""

_MOST_DAYS: Final = 36525  # a century


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names, by default that of the process, and return its exit status.

    Raises SystemExit for `--help`, for a command line that cannot be read, and where nobody takes the output.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path that is no text must not be what ends a command
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130  # as a shell reports what SIGINT ended


class _Parser(argparse.ArgumentParser):
    """Complains in one line, as all of the command does."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(complain(f"{message}; see {self.prog} --help"))


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> NoReturn:
        raise SystemExit(verbs.version(namespace))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="licensegate",
        description="An HTTPS forward proxy that lets Cisco Smart Licensing out, and nothing else.",
        epilog=f"{_SETTINGS}\nEach command has a --help of its own, with its exit statuses.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    _add_serve(commands)
    _add_reload(commands)
    _add_check(commands)
    _add_test_rule(commands)
    _add_health(commands)
    _add_cert(commands)
    _add_suggest_rules(commands)
    _add_passwd(commands)
    _add(commands, "version", verbs.version, "say which version this is", "")
    return parser


def _add_serve(commands: "_Commands") -> None:
    serve = _add(commands, "serve", verbs.serve, "serve until stopped by SIGTERM or SIGINT", _SERVE_NOTES)
    serve.add_argument("--config", metavar="FILE", type=Path, help="the settings file")


def _add_reload(commands: "_Commands") -> None:
    reload = _add(commands, "reload", verbs.reload, "have the running gate read its settings anew", _RELOAD_NOTES)
    reload.add_argument("--config", metavar="FILE", type=Path, help="the settings file that the gate was started with")


def _add_check(commands: "_Commands") -> None:
    check = _add(commands, "check", verbs.check, "check the settings and say what would be in force", _CHECK_NOTES)
    check.add_argument("file", metavar="FILE", type=Path, nargs="?", help="the settings file")


def _add_test_rule(commands: "_Commands") -> None:
    purpose = "say what is decided, and by which rule"
    test_rule = _add(commands, "test-rule", verbs.test_rule, purpose, _TEST_RULE_NOTES)
    test_rule.add_argument("--config", metavar="FILE", type=Path, help="the settings file")
    test_rule.add_argument("--user", metavar="NAME", default="", help="as if the client had logged in as this user")
    test_rule.add_argument(
        "--certificate",
        metavar="NAME",
        action="append",
        default=[],
        help="as if it had shown a certificate with this name; may be repeated",
    )
    test_rule.add_argument("client", metavar="CLIENT", help="the client's IP address")
    test_rule.add_argument("target", metavar="HOST:PORT", help="where it wants to go, as in its CONNECT")


def _add_health(commands: "_Commands") -> None:
    health = _add(commands, "health", verbs.health, "ask a running gate how it is", _HEALTH_NOTES)
    whom = health.add_mutually_exclusive_group()
    whom.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")
    whom.add_argument("--url", metavar="URL", help="where to ask, for example http://127.0.0.1:9130")
    health.add_argument(
        "question",
        metavar="QUESTION",
        nargs="?",
        choices=("healthz", "readyz", "upstreamz"),
        default="healthz",
        help="healthz, readyz or upstreamz",
    )


def _add_cert(commands: "_Commands") -> None:
    purpose = "show, make or check the certificate of the gate itself"
    cert = _add(commands, "cert", verbs.cert, purpose, _CERT_NOTES)
    actions = cert.add_subparsers(dest="action", metavar="ACTION", required=True)

    show = _add(actions, "show", verbs.cert, "say everything about a certificate", _CERT_NOTES)
    show.set_defaults(run_cert=verbs.cert_show)
    which = show.add_mutually_exclusive_group()
    which.add_argument("--config", metavar="FILE", type=Path, help="the settings of the gate that serves it")
    which.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a certificate, perhaps with its chain")

    make = _add(actions, "make", verbs.cert, "make gate.pem, self-signed, and gate.key; overwrite nothing", _CERT_NOTES)
    make.set_defaults(run_cert=verbs.cert_make)
    make.add_argument("--name", action="append", default=[], help="a host or address of the gate; may be repeated")
    make.add_argument("--out", metavar="DIR", type=Path, default=Path(), help="where to; default: here")
    make.add_argument("--days", type=_days, help="how long it is valid; default: ten years")

    check = _add(actions, "check", verbs.cert, "say whether clients can take a certificate with its key", _CERT_NOTES)
    check.set_defaults(run_cert=verbs.cert_check)
    check.add_argument("certificate", metavar="CERT", type=Path, help="the certificate, its chain after it")
    check.add_argument("key", metavar="KEY", type=Path, help="its key")


def _add_suggest_rules(commands: "_Commands") -> None:
    purpose = "say what would allow the targets that were refused"
    suggest = _add(commands, "suggest-rules", verbs.suggest_rules, purpose, _SUGGEST_NOTES)
    suggest.add_argument("--config", metavar="FILE", type=Path, help="the settings file, which the difference is to")
    suggest.add_argument("log", metavar="LOG", help="the access log, - for standard input")


def _add_passwd(commands: "_Commands") -> None:
    purpose = "add, check or remove a user who logs in to the gate"
    passwd = _add(commands, "passwd", verbs.passwd, purpose, _USERS_NOTES)
    passwd.add_argument("file", metavar="FILE", type=Path, nargs="+", help="an htpasswd and an htdigest file, or one")
    action = passwd.add_mutually_exclusive_group(required=True)
    action.add_argument("--add", metavar="USER", help="let this user in, or give it another password")
    action.add_argument("--check", metavar="USER", help="say whether this user is let in by the password")
    action.add_argument("--remove", metavar="USER", help="let this user in no longer")
    passwd.add_argument("--realm", default="LicenseGate", help="auth.realm of the settings; default: LicenseGate")
    source = passwd.add_mutually_exclusive_group()
    source.add_argument("--stdin", action="store_true", help="read the password from standard input, its first line")
    source.add_argument("--password-file", metavar="FILE", type=Path, help="read it from a file, its first line")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to {_MOST_DAYS}")
    return int(text)


def _add(
    commands: "_Commands",
    name: str,
    run: Callable[[argparse.Namespace], int],
    purpose: str,
    notes: str,
) -> _Parser:
    parser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"{notes}\n{_SETTINGS}" if notes else "",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser
