"""The user who runs the gate: commands look at files with that user's rights."""

import os
import pwd
import sys
from typing import Final

from licensegate.app.terminal import complain

PACKAGED_USER: Final = "licensegate"
"""The user of the packaged unit (deploy/sysusers.conf)."""


def become(user: str, *, for_good: bool = True) -> None:
    """Go on as this user, whose rights decide from now on. Raises SystemExit for an unknown user, or without root.

    Unless `for_good`, `return_to_root` undoes it in this process; the programs that it starts cannot.
    """
    try:
        entry = pwd.getpwnam(user)
        if entry.pw_uid == os.geteuid() != 0:
            return
        os.setgroups(os.getgrouplist(user, entry.pw_gid))
        os.setgid(entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid if for_good else 0)
    except KeyError:
        raise SystemExit(complain(f"--user: there is no user {user!r} on this host")) from None
    except PermissionError:
        raise SystemExit(complain(f"--user: only root can look as {user}; run this as root")) from None
    if not os.access(__file__, os.R_OK):
        raise SystemExit(complain(f"--user: {user} may not read the program in {sys.prefix}, so cannot run the gate"))


def return_to_root() -> None:
    """Be root again after a `become` that was not for good; nothing for a process that was never root."""
    if os.getresuid()[2] == 0:
        os.setresuid(0, 0, 0)


def has_packaged_user() -> bool:
    """Whether this host has the user of the packaged unit."""
    try:
        pwd.getpwnam(PACKAGED_USER)
    except KeyError:
        return False
    return True
