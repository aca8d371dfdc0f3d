"""`licensegate doctor`: examines this host and the way to each target, and says what to change."""

import argparse
import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from licensegate.allowlist.target import Target, TargetError
from licensegate.app.settings import Settings
from licensegate.app.terminal import complain, readers_language, say, say_json
from licensegate.app.version import full_version
from licensegate.certs.host_names import host_name
from licensegate.doctor.bundle import BundleError, BundleFile, pack
from licensegate.doctor.chain_pem import fetch_chains
from licensegate.doctor.examination import SECONDS, Examination
from licensegate.doctor.host.files import LookingUser
from licensegate.doctor.host.port_holders import PortHolder, port_holders
from licensegate.doctor.host.ports import find_gate
from licensegate.doctor.host.resolv_conf import read_resolver_settings
from licensegate.doctor.path.login import ClientLogin
from licensegate.doctor.path.own_gate import open_own_gate
from licensegate.doctor.plan import Patient, exact_targets, make_plan, rules_for
from licensegate.doctor.redaction import Redactor, known_secrets
from licensegate.doctor.report import DoctorReport, TextReport, as_json, make_report, summary
from licensegate.doctor.step import StepResult, StepVerdict
from licensegate.records.secret import Secret

from .check_warnings import warnings
from .password_input import PasswordInputError, read_password
from .service_user import PACKAGED_USER, become, has_packaged_user, return_to_root
from .settings_file import load_or_exit
from .target_argument import add_targets, target_argument

NOTES: Final = """\
  Looks at this host (settings, files, ports, descriptors, disks, memory, clock, resolver), at each listener as a client
  of this host, at each parent proxy, and at the way to each target: names, TCP, the tunnel, TLS, certificates, HTTP,
  clocks. Each step has a verdict (ok, skipped, warning, failed) and says what to change; docs/doctor.md has them all.

  It needs no running gate, except for the steps of the listeners. Its requests ask for / and leave lines in the access
  log, with the user agent LicenseGate-doctor. An examination takes a minute at most; Ctrl-C ends it with what is known.

  --bundle packs the report, the settings, recent records, findings, certificates and versions, without secrets, into a
  new file that only its owner can read.

    licensegate doctor --user licensegate --bundle /root/licensegate.tar.gz
    licensegate doctor tools.cisco.com:443 --login cucm-pub --password-file password.txt

exit status:
  0    nothing failed; there may be warnings
  1    a step failed
  2    the examination could not begin: the command line, the settings or a file cannot be used
  130  stopped by Ctrl-C, after printing what was found
"""

_INTERRUPTED: Final = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file")
    parser.add_argument("--user", metavar="NAME", help="look as this user, the one who runs the gate; needs root")
    parser.add_argument("--login", metavar="NAME", help="log in to the gate's listeners as this user")
    parser.add_argument(
        "--password-file", metavar="FILE", type=Path, help="the password of --login; without it, it is typed"
    )
    parser.add_argument("--bundle", metavar="FILE", type=Path, help="pack what a support engineer needs, as .tar.gz")
    parser.add_argument("--force", action="store_true", help="let --bundle replace a file")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, at the end")
    add_targets(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine, print each step as it ends, and then how many ended how."""
    settings = load_or_exit(arguments.config)
    if arguments.bundle is None:
        return _run(arguments, settings, None)
    try:
        with BundleFile(arguments.bundle, replace=arguments.force) as bundle, contextlib.ExitStack() as stack:
            stack.callback(return_to_root)  # who may remove the beginnings of a bundle
            return _run(arguments, settings, bundle)
    except BundleError as error:
        return complain(str(error))


def _run(arguments: argparse.Namespace, settings: Settings, bundle: BundleFile | None) -> int:
    holders = port_holders()  # before the rights of root are given up
    login = _login(arguments)
    targets = _targets(arguments.targets)
    redactor = Redactor(known_secrets(settings, os.environ, login))  # root may read more of them
    if arguments.user is not None:
        become(arguments.user, for_good=bundle is None)
        settings = load_or_exit(arguments.config)  # again: that user may not be able to
    patient = _patient(settings, targets, holders, login, chosen=arguments.user is not None)
    language = readers_language()
    text = TextReport(language)
    tell = _say_nothing if arguments.json else partial(_say, text)
    report, chains = _examine(patient, redactor, tell, bundled=bundle is not None)
    if arguments.json:
        say_json(as_json(report))
    else:
        say(summary(report.steps, interrupted=report.interrupted, language=language))
    if bundle is not None:
        content = pack(report, settings, os.environ, chains, redactor)  # with the rights of the user who looked
        return_to_root()
        bundle.write(content)
    if report.interrupted:
        return _INTERRUPTED
    return 1 if report.verdict is StepVerdict.FAILED else 0


def _patient(
    settings: Settings,
    targets: Sequence[Target],
    holders: tuple[PortHolder, ...],
    login: ClientLogin | None,
    *,
    chosen: bool,
) -> Patient:
    return Patient(
        settings,
        tuple(dict.fromkeys(targets)) or exact_targets(settings),
        lambda: warnings(settings, os.environ, host_name()),
        read_resolver_settings(),
        holders,
        _looking_user(settings, holders, chosen=chosen),
        login,
    )


def _looking_user(settings: Settings, holders: tuple[PortHolder, ...], *, chosen: bool) -> LookingUser:
    """Whether this is the gate's user: `chosen` by --user, or the one that runs the gate now."""
    uid = os.geteuid()
    gate = find_gate(settings.listen, holders)
    if chosen or (gate.runs and gate.uid == uid):
        return LookingUser(is_gates=True)
    return LookingUser(is_gates=False, better=PACKAGED_USER if uid == 0 and has_packaged_user() else "")


def _examine(
    patient: Patient, redactor: Redactor, tell: Callable[[StepResult], None], *, bundled: bool
) -> tuple[DoctorReport, dict[str, str]]:
    """The report, and the chains of the targets in PEM if they are `bundled`."""
    logging.getLogger("licensegate").addHandler(logging.NullHandler())  # the steps say what the doctor's gate would log
    began = datetime.now(UTC)
    examination, chains = asyncio.run(_look(patient, redactor, tell, bundled=bundled))
    report = make_report(
        examination.results,
        full_version(),
        began,
        patient.settings.source,
        interrupted=examination.interrupted,
    )
    return report, chains


async def _look(
    patient: Patient, redactor: Redactor, tell: Callable[[StepResult], None], *, bundled: bool
) -> tuple[Examination, dict[str, str]]:
    async with open_own_gate(patient.settings, rules_for(patient)) as gate:
        examination = Examination(make_plan(patient, gate), tell, redactor.clean_result)
        await examination.run(SECONDS)
        if not bundled or examination.interrupted:
            return examination, {}
        answering = [target for target in patient.targets if examination.is_ok(str(target), "tls")]
        return examination, await fetch_chains(gate.address, answering)


def _targets(texts: Sequence[str]) -> list[Target]:
    """The targets of the command line. Raises SystemExit for an invalid one."""
    try:
        return [target_argument(text) for text in texts]
    except TargetError as error:
        raise SystemExit(complain(f"{error}; write a target like tools.cisco.com:443")) from None


def _login(arguments: argparse.Namespace) -> ClientLogin | None:
    """The login of the command line. Raises SystemExit if its password cannot be had."""
    if arguments.login is None:
        if arguments.password_file is not None:
            raise SystemExit(complain("--password-file needs --login and the name of a user"))
        return None
    try:
        password = read_password(stdin=False, file=arguments.password_file, twice=False)
    except PasswordInputError as error:
        raise SystemExit(complain(str(error))) from None
    return ClientLogin(arguments.login, Secret(password.encode()))


def _say(text: TextReport, result: StepResult) -> None:
    say(text.lines(result))


def _say_nothing(_: StepResult) -> None:
    """With --json only the report is printed."""
