"""`licensegate health`: asks a running gate for a health page. Imports little, since container health checks run it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from licensegate.app.admin import paths
from licensegate.app.terminal import complain, say
from licensegate.proxy.settings import ListenAddress

from .admin_page import AdminUrlError, NoPageError, get_page

if TYPE_CHECKING:
    from licensegate.app.settings import Admin  # takes long to load

NOTES: Final = """\
  healthz    is it running? (the default)
  readyz     does it accept clients?
  upstreamz  can every target be reached? The gate may dial them to find out.

  The command asks the admin.listen of the settings, or --url; docs/monitoring.md explains the answers.

exit status:
  0  yes
  1  no, or it does not answer
  2  the command line or the settings cannot be used
"""

_MOST_BYTES: Final = 65536
_QUESTIONS: Final = tuple(path.removeprefix("/") for path in (paths.HEALTHZ, paths.READYZ, paths.UPSTREAMZ))
_LOOPBACK_FOR: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class HealthError(ValueError):
    """The gate cannot be asked. `str()` says what to write instead."""


class HealthAnswer(Struct, frozen=True):
    """Whether the answer was 200, and the text to print."""

    good: bool
    text: str


def url_of(admin: "Admin") -> str:
    """The URL of the admin server of a gate on this host. Raises HealthError."""
    listen = admin.listen
    if listen is None:
        raise HealthError("admin.listen is empty, so there is no admin server to ask; give --url")
    if not listen.port:
        raise HealthError("admin.listen has port 0, so the system chose the port; give it with --url")
    scheme = "https" if admin.tls else "http"
    return f"{scheme}://{ListenAddress(_LOOPBACK_FOR.get(listen.host, listen.host), listen.port)}"


def ask(url: str, question: str) -> HealthAnswer:
    """Ask the gate at `url` for one of its health pages. Raises AdminUrlError for an invalid URL."""
    try:
        status, body = get_page(url, question, _MOST_BYTES)
    except NoPageError as error:
        return HealthAnswer(False, f"{url}/{question} does not answer: {error}")
    return HealthAnswer(status == 200, f"{status} {body.decode(errors='replace').strip()}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")
    whom.add_argument("--url", metavar="URL", help="the admin server to ask, for example http://127.0.0.1:9130")
    parser.add_argument(
        "question",
        metavar="QUESTION",
        nargs="?",
        choices=_QUESTIONS,
        default=_QUESTIONS[0],
        help="healthz, readyz or upstreamz",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask a running gate and print its answer."""
    try:
        url = arguments.url or _configured_url(arguments.config)
        answer = ask(url.removesuffix("/"), arguments.question)
    except (HealthError, AdminUrlError) as error:
        return complain(str(error))
    if not answer.good:
        complain(answer.text)
        return 1
    return say(answer.text)


def _configured_url(file: Path | None) -> str:
    from .settings_file import load_or_exit  # with --url the settings are not needed

    return url_of(load_or_exit(file).admin)
