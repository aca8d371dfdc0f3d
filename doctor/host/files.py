"""The step `files`: can the gate's user read and write what the settings name, and could any user?"""

import os
from collections.abc import Iterator

from msgspec import Struct

from licensegate.app.settings import Settings
from licensegate.certs.pem import CertificateError

from ..step import StepResult, failed, merged, ok, warning
from .preconditions import faults, files, lacking_rights


class LookingUser(Struct, frozen=True):
    """Whose rights this process has: `is_gates` if the gate runs with them. `better` is the user to name in --user."""

    is_gates: bool
    better: str = ""


def look_at_files(settings: Settings, user: LookingUser) -> StepResult:
    """Try the files and folders with the rights of this process."""
    results = list(_results(settings, user))
    return merged(results) if results else ok(_described(settings))


def _results(settings: Settings, user: LookingUser) -> Iterator[StepResult]:
    try:
        for fault in faults(settings):
            what, _, cure = fault.partition("; ")
            yield failed(what, cure or "name another in the settings")
    except CertificateError as error:
        yield failed(str(error), "run licensegate cert check with the certificate and its key")
    for lacking in lacking_rights(settings):
        if user.is_gates:
            yield failed(
                f"{lacking} by the gate's user",
                "give that user the file: chgrp to its group and chmod g+r (g+w for the log and the state directory), "
                "and chmod g+x on the folders above",
            )
        else:
            yield warning(f"{lacking} by this user", "run the doctor as root with --user and the gate's user")
    if user.better and any(path is not None for _, path in files(settings)):
        yield warning("looked at as root, who may read everything", f"run the doctor with --user {user.better}")


def _described(settings: Settings) -> str:
    read = [place for place, path in files(settings) if path is not None]
    state = settings.state_directory
    said = [f"can be read: {', '.join(read)}" if read else "the settings name no file to read"]
    said.append(f"state is kept in {state}" if state else "no state is kept")
    said += [f"{key} is {place}" for key, place in settings.log.places.items()]
    return f"{'; '.join(said)} (as uid {os.geteuid()})"
