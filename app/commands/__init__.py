"""The commands of `licensegate`: each is a module of the same name, with `_` for `-`, that only its own run loads.

A command's module has `NOTES`, the end of its `--help`, `add_arguments(parser)` and `run(arguments)`, which returns
the exit status.
"""

from typing import Final

COMMANDS: Final = {
    "serve": "serve until stopped by SIGTERM or SIGINT",
    "reload": "have the running gate read its settings again",
    "check": "check the settings and say what would be in force",
    "test-rule": "say what is decided, and by which rule",
    "health": "ask a running gate how it is",
    "cert": "show, make or check the certificate of the gate itself",
    "suggest-rules": "say what would allow the targets that were refused",
    "passwd": "add, check or remove a user who logs in to the gate",
    "version": "say which version this is",
}
"""Each command with its purpose, in the order of `--help`."""
