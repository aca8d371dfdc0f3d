"""Who asked for a change: a user on the control socket, a signal, a person on the admin pages, or changed files."""

from msgspec import Struct


class Requester(Struct, frozen=True, omit_defaults=True):
    """The asker, as far as the kernel or the login tells.

    The control socket gives `uid` and `pid` (SO_PEERCRED, unix(7)), and `user` if the uid has a name here; `signal` is
    a signal's name, whose sender is unknown. The admin pages give `address`, and the `session` that acted, or `token`
    if the request had the token itself. `files` if files changed on the disk.
    """

    uid: int | None = None
    user: str = ""
    pid: int = 0
    signal: str = ""
    address: str = ""
    session: str = ""
    token: bool = False
    files: bool = False

    def __str__(self) -> str:
        if self.uid is not None:
            more = ", ".join(filter(None, (self.user, f"process {self.pid}" if self.pid else "")))
            return f"uid {self.uid} ({more})" if more else f"uid {self.uid}"
        if self.address:
            return f"the admin pages, from {self.address}"
        return "changed files" if self.files else self.signal


CHANGED_FILES = Requester(files=True)
