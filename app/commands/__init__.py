"""The commands of `licensegate`. Each is a module of the same name, `_` for `-`, loaded only when it is typed.

A command's module has `NOTES`, the end of its `--help`, `add_arguments(parser)` and `run(arguments)`, which returns
the exit status.
"""

from typing import Final

COMMANDS: Final = {
    "serve": "serve until stopped by SIGTERM or SIGINT",
    "reload": "make the running gate read its settings again",
    "handover": "hand the running gate over to a new process, such as a new release",
    "check": "check the settings and show what would be in force",
    "test-rule": "show what the gate decides about a target, and by which rule",
    "demo": "show a gate at work, with stand-ins for Cisco, on this host alone",
    "status": "show how the running gate stands: what needs attention first",
    "clients": "show the clients: last contact, deadlines, what is wrong",
    "refusals": "show the last connections that failed, and what to change",
    "tunnels": "show the open connections",
    "revoke": "end open tunnels, by host, user, network or certificate",
    "end": "end open connections by their ids",
    "rules": "show the rules of the allowlist, and how often each applied",
    "changes": "show who changed what: reloads, handovers, changed files",
    "doctor": "examine this host and the way to each target, and say what to change",
    "explain": "say what failed, why, and what to change: from an access log or the running gate",
    "health": "ask a running gate for its health",
    "probe": "look at the targets by a TLS handshake of the gate's own",
    "cert": "show, make or check the certificate of the gate itself",
    "suggest-rules": "suggest rules for the targets that were refused",
    "license": "say what a product's `show license` means: state, deadlines, what to do",
    "ledger": "write the ledger of contacts out, or merge a file into it",
    "contact": "write down what the gate cannot see: a contact by hand, a name, a text of a product",
    "product": "ask a product itself for the state of its licences",
    "passwd": "add, check or remove a user who logs in to the gate",
    "version": "print the version",
}
"""Each command with its purpose, in the order of `--help`."""
