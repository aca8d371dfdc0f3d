"""What each command of `licensegate` does: reads what it needs, hands over, and returns an exit status.

Imports stay within the functions, so that each command loads only what it uses.
"""

import argparse
import io
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .terminal import complain, say

if TYPE_CHECKING:
    from .settings import Settings


def _load(file: Path | None) -> "Settings":
    from .settings import SettingsError, load

    try:
        return load(file, os.environ)
    except SettingsError as error:
        raise SystemExit(complain(str(error))) from None


def serve(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    settings = _load(arguments.config)
    from licensegate.app.service.run import run

    from .settings import load

    return run(settings, partial(load, arguments.config, os.environ))


def reload(arguments: argparse.Namespace) -> int:
    """Have the running gate read its settings anew."""
    from licensegate.app.service.control import ControlError, ask, control_path

    # A gate of systemd's can be asked though its settings cannot be used now: that is for it to say, and its log.
    path = control_path(None, os.environ) or control_path(_load(arguments.config).state_directory, os.environ)
    if path is None:
        return complain("a gate without state.directory has no control socket; send it SIGHUP instead")
    try:
        reply = ask(path, "reload")
    except ControlError as error:
        return complain(str(error))
    if not reply.done:
        complain(reply.said)
        return 1
    return say(reply.said)


def check(arguments: argparse.Namespace) -> int:
    """Say what would be in force."""
    from licensegate.app.commands.check import report, warnings
    from licensegate.certs.host_names import host_name
    from licensegate.certs.pem import CertificateError
    from licensegate.proxy.auth.user_files import LoginFileError

    from .settings import SettingsError

    settings = _load(arguments.file)
    try:
        say(report(settings))
        for warning in warnings(settings, os.environ, host_name()):
            complain(f"warning: {warning}")
    except (CertificateError, LoginFileError, SettingsError) as error:
        return complain(str(error))
    return 0


def test_rule(arguments: argparse.Namespace) -> int:
    """Say what is decided of a target."""
    from licensegate.allowlist.clients import Identity
    from licensegate.app.commands.rule import UnusableInput, judge

    settings = _load(arguments.config)
    try:
        identity = Identity(arguments.user, tuple(arguments.certificate))
        verdict = judge(settings, arguments.client, arguments.target, identity)
    except UnusableInput as error:
        return complain(str(error))
    say(verdict.text)
    return 0 if verdict.allowed else 1


def health(arguments: argparse.Namespace) -> int:
    """Ask a running gate how it is."""
    from licensegate.app.commands.health import CannotAsk, ask, url_of

    try:
        url = arguments.url or url_of(_load(arguments.config).admin.listen)
        verdict = ask(url.removesuffix("/"), arguments.question)
    except CannotAsk as error:
        return complain(str(error))
    if not verdict.good:
        complain(verdict.text)
        return 1
    return say(verdict.text)


def passwd(arguments: argparse.Namespace) -> int:
    """Add, check or remove a user."""
    from licensegate.app.commands.password_input import read_password
    from licensegate.proxy.auth.user_files import LoginFileError

    from .commands import passwd

    files, realm = arguments.file, arguments.realm
    try:
        if arguments.remove is not None:
            report = passwd.remove(files, arguments.remove, realm)
        else:
            password = read_password(stdin=arguments.stdin, file=arguments.password_file, twice=arguments.check is None)
            if arguments.check is not None:
                report = passwd.check(files, arguments.check, realm, password)
            else:
                report = passwd.add(files, arguments.add, realm, password)
    except (LoginFileError, passwd.PasswdError) as error:
        return complain(str(error))
    say(report.text)
    return 0 if report.good else 1


def cert(arguments: argparse.Namespace) -> int:
    """Do what `run_cert` of the arguments does."""
    from licensegate.certs.pem import CertificateError

    try:
        return int(arguments.run_cert(arguments))
    except CertificateError as error:
        return complain(str(error))


def cert_show(arguments: argparse.Namespace) -> int:
    """Say everything about a certificate."""
    from datetime import UTC, datetime

    from licensegate.app.commands.cert import served_certificate, show

    file = arguments.file or served_certificate(_load(arguments.config))
    return say(show(file, datetime.now(UTC)))


def cert_make(arguments: argparse.Namespace) -> int:
    """Make a certificate and its key."""
    from licensegate.app.commands.cert import make

    return say(make(arguments.out, arguments.name, arguments.days))


def cert_check(arguments: argparse.Namespace) -> int:
    """Say whether a certificate can be used with its key."""
    from datetime import UTC, datetime

    from licensegate.app.commands.cert import check

    verdict = check(arguments.certificate, arguments.key, datetime.now(UTC))
    say(verdict.text)
    return 0 if verdict.usable else 1


def suggest_rules(arguments: argparse.Namespace) -> int:
    """Say what would allow what was refused."""
    from licensegate.app.commands.refused_targets import ConnectLine, refused_targets
    from licensegate.app.commands.suggest import suggest
    from licensegate.app.settings.load import settings_file
    from licensegate.records.log_reader import LogReader

    settings = _load(arguments.config)
    try:
        with sys.stdin.buffer if arguments.log == "-" else Path(arguments.log).open("rb") as log:
            reader = LogReader(log, ConnectLine)
            refused = refused_targets(reader)
    except OSError as error:
        return complain(f"{arguments.log}: {error.strerror}; name an access log that can be read")
    if reader.unread and not reader.records:
        return complain(f"{arguments.log}: no line of it is a record of the gate; name the file of log.access")
    if reader.unread:
        complain(f"warning: lines passed over, since they are no records of the gate: {reader.unread_lines}")
    file = arguments.config or settings_file(os.environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # what is taken from the file comes out as it is there
    return say(suggest(settings, file, os.environ, refused.values()), end="")


def version(_: argparse.Namespace) -> int:
    """Say which version this is."""
    from importlib.metadata import version

    return say(f"licensegate {version('licensegate')}")
