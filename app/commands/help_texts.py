"""Texts for the `--help` of every command: its purpose, its notes, and where the settings come from."""

import argparse
from typing import Any, Final

SETTINGS: Final = """\
settings:
  One TOML file, named by --config, else by LICENSEGATE_CONFIG, else that of the packaged service,
  /etc/licensegate/licensegate.toml, if this host has it, else the built-in defaults: ports 3128, 8080 and 443,
  clients from private networks, and Cisco's licensing hosts as targets. docs/settings.md lists all keys.

environment:
  LICENSEGATE_CONFIG             the settings file, unless the command line names one
  LICENSEGATE__SECTION__KEY      overrides a key of the file, e.g. LICENSEGATE__LIMITS__TUNNELS=1000; lists are
                                 separated by commas
  LICENSEGATE__LISTEN            addresses to listen on, e.g. 0.0.0.0:3128,[::]:3128
  LICENSEGATE__ALLOWLIST__RULE   targets of your own, e.g. ssm.example.net:443
  STATE_DIRECTORY                where state is kept unless state.directory is set; systemd sets it
"""


def help_texts(purpose: str, notes: str) -> dict[str, Any]:
    """The keyword arguments of `add_parser` for a command or one of its actions."""
    return {
        "help": purpose,
        "description": f"{purpose[0].upper()}{purpose[1:]}.",
        "epilog": f"{notes}\n{SETTINGS}" if notes else "",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }
