"""`licensegate check`: prints the settings that would be in force, and warns about probable mistakes."""

import argparse
import os
from pathlib import Path
from typing import Final

from licensegate.app.logs.open_sink import LogPlaceError
from licensegate.app.settings import SettingsError, load
from licensegate.app.terminal import complain, say, say_json
from licensegate.certs.host_names import host_name
from licensegate.certs.pem import CertificateError
from licensegate.doctor.host import preconditions
from licensegate.proxy.auth.user_files import LoginFileError

from . import check_logs
from .check_report import report
from .check_result import CheckResult
from .check_warnings import warnings
from .layout import counted, json_text
from .policy_tests import try_policy, untouched
from .service_user import PACKAGED_USER, become, has_packaged_user

NOTES: Final = """\
  What depends on the user who runs the gate, such as the right to read a key, is looked at as the user of --user;
  without it, what this user cannot tell is said to be not looked at.

  --tests tries a file of tests of the allowlist, such as
    [[test]]
    name = "CUCM reaches Cisco"
    client = "10.1.2.3"
    target = "tools.cisco.com"
    expect = "allow"             (or "deny", or "report" for a target that only report-only mode lets pass)

exit status:
  0  the settings can be used on this host; there may be warnings on standard error
  1  they can, but a test of --tests failed
  2  they cannot; the error names the place
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    named = parser.add_mutually_exclusive_group()
    named.add_argument("--config", metavar="FILE", type=Path, help="the settings file, as all commands take it")
    named.add_argument("file", metavar="FILE", type=Path, nargs="?", help="the settings file")
    parser.add_argument("--tests", metavar="FILE", type=Path, help="try the tests of the allowlist in this file")
    parser.add_argument("--user", metavar="NAME", help="look as this user, the one who runs the gate; needs root")
    parser.add_argument("--json", action="store_true", help="print one line of JSON: docs/terminal.md")


def run(arguments: argparse.Namespace) -> int:
    """Print what would be in force, and the warnings."""
    result = CheckResult()
    try:
        _examine(arguments, result)
    except (CertificateError, LogPlaceError, LoginFileError, SettingsError) as error:
        result.faults.append(str(error))
    result.usable = not result.faults
    if arguments.json:
        say_json(json_text(result))
    else:
        _tell(result)
    return result.status


def _examine(arguments: argparse.Namespace, result: CheckResult) -> None:
    """Look at everything. Prints the report unless the result will be printed as JSON.

    Raises CertificateError, LogPlaceError, LoginFileError or SettingsError.
    """
    file = arguments.file or arguments.config
    settings = load(file, os.environ)
    name = host_name()
    if arguments.user is not None:
        become(arguments.user)
        settings = load(file, os.environ)  # again: that user may not be able to
    result.describe(settings)
    results = [] if arguments.tests is None else try_policy(settings, arguments.tests)
    if not arguments.json:
        say(report(settings))
    faults = list(preconditions.faults(settings))  # before the warnings: it raises what would also be one of them
    result.warnings += warnings(settings, os.environ, name)
    result.warnings += check_logs.unreachable(settings)
    result.take_tests(results)
    if results:
        result.warnings += [f"no test asks for {rule}" for rule in untouched(settings.policy.rules, settings, results)]
    lacking = list(preconditions.lacking_rights(settings))
    if arguments.user is not None:
        faults += [f"{each} by the user {arguments.user}; let that user do it" for each in lacking]
    else:
        remedy = "run this as the gate's user, or as root with --user"
        result.not_looked_at += [f"{each} by this user; {remedy}" for each in lacking]
        if os.geteuid() == 0 and has_packaged_user():
            result.not_looked_at.append(f"what the gate's user may read and write; add --user {PACKAGED_USER}")
    result.not_looked_at += preconditions.needed_at_start(settings)
    result.faults += faults


def _tell(result: CheckResult) -> None:
    """Print what was found, the faults and the tests that failed last."""
    for warning in result.warnings:
        complain(f"warning: {warning}")
    for each in result.not_looked_at:
        complain(f"not looked at: {each}")
    for fault in result.faults:
        complain(fault)
    failed = [case for case in result.tests if case.fault]
    for case in failed:
        complain(f"failed: {case.test}: {case.fault}")
    if result.tests:
        say(f"tests         {len(result.tests) - len(failed)} of {counted(len(result.tests), 'test')} as expected")
