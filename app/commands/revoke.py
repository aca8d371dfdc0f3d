"""`licensegate revoke`: ends open tunnels by host, user, network or certificate."""

import argparse
from collections.abc import Callable
from typing import Final

from licensegate.app.service.control_protocol import Request, RevocationRequest
from licensegate.app.settings.address import read_network, read_rule_host
from licensegate.app.terminal import complain

from .ended_tunnels import add_gate_arguments, request_ends

NOTES: Final = """\
  Ends now the tunnels that match, open or being opened, and says which: their ids, clients, targets and users. The
  options narrow it together; an option that is given more than once takes any of its values. The client sees its
  connection closed.

  New tunnels are not forbidden: to keep a client out, remove its user or the rule, and reload. What a reload itself
  ends, limits.revoke says. --not-allowed ends what the settings, users and certificates in force would refuse.

examples:
  licensegate revoke --user cucm-old
  licensegate revoke --host tools.cisco.com --network 10.20.0.0/16 --dry-run
  licensegate revoke --not-allowed

exit status:
  0  done, also if no open tunnel matches
  2  the command line or the settings cannot be used, or no gate answers
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--host",
        metavar="HOST",
        action="append",
        default=[],
        type=_reader("host", read_rule_host),
        help="tunnels to this host, on any port; *.example.com is every name below example.com",
    )
    parser.add_argument(
        "--user", metavar="NAME", action="append", default=[], type=_reader("user"), help="tunnels of this user"
    )
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        action="append",
        default=[],
        type=_reader("network", lambda text: str(read_network(text))),
        help="tunnels of clients in this network, like 10.0.0.0/8, or at this address",
    )
    parser.add_argument(
        "--certificate",
        metavar="NAME",
        action="append",
        default=[],
        type=_reader("certificate"),
        help="tunnels of clients with this name in their certificate, in upper or lower case",
    )
    parser.add_argument(
        "--not-allowed", action="store_true", help="only tunnels that the gate would refuse if they were asked for now"
    )
    parser.add_argument("--dry-run", action="store_true", help="end nothing, and show what would be ended")
    add_gate_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask for the ends and print them."""
    wanted = RevocationRequest(
        tuple(arguments.host),
        tuple(arguments.user),
        tuple(arguments.network),
        tuple(arguments.certificate),
        arguments.not_allowed,
        arguments.dry_run,
    )
    if wanted == RevocationRequest(dry_run=wanted.dry_run):
        return complain("say which tunnels: by --host, --user, --network, --certificate or --not-allowed")
    advice = "" if wanted.not_allowed else _advice()
    return request_ends(arguments, Request("revoke", revocation=wanted), advice)


def _advice() -> str:
    from licensegate.app.screen.ended_tunnels import NOT_FORBIDDEN

    return NOT_FORBIDDEN


def _reader(what: str, read: Callable[[str], str] = str) -> Callable[[str], str]:
    """Returns the type of an argument: its text as `read` returns it, which says what is wrong after the text."""

    def reader(text: str) -> str:
        if not text:
            raise argparse.ArgumentTypeError(f"the {what} is empty")
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} {error}") from None

    return reader
