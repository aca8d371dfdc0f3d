"""Asks a running gate for an answer of its API: over its control socket, else of its admin server. Loads little."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from licensegate.app.admin.access import read_token
from licensegate.app.service.control_client import ask_for_answer
from licensegate.app.service.control_protocol import MOST_ANSWER_BYTES, ControlError, Request
from licensegate.app.settings import SettingsError, load

from .admin_page import AdminUrlError, NoPageError, get_page
from .control_socket import control_socket
from .health import HealthError, url_of

_STATUS_OF_TOKEN: Final = 401
_SHOWN_OF_ERROR: Final = 300


class GateAnswerError(Exception):
    """No gate answers. `str()` is one line: whom the command asked, why it got nothing, and what to do."""


class GateAnswers:
    """Answers of one gate: the one at `url`, else the one of the settings file `config`, else of the usual settings.

    `token_file` has the admin token; with the settings, admin.token_file has it.
    """

    def __init__(self, url: str | None, config: Path | None, token_file: Path | None) -> None:
        self._url = url
        self._config = config
        self._token_file = token_file

    def get(self, name: str, parameters: Mapping[str, str]) -> bytes:
        """Return the answer of `/api/NAME` as JSON. Raises GateAnswerError."""
        if self._url is not None:
            return self._of_server(self._url.removesuffix("/"), self._token_file, name, parameters)
        try:
            return self._of_socket(name, parameters)
        except ControlError as error:
            without_socket = error
        try:
            admin = load(self._config, os.environ).admin
            url = url_of(admin)
        except SettingsError as error:
            raise GateAnswerError(str(error)) from None
        except HealthError:
            raise GateAnswerError(_both(without_socket, "there is no admin server to ask, either")) from None
        try:
            return self._of_server(url, self._token_file or admin.token_file, name, parameters)
        except _NoServerError as error:
            raise GateAnswerError(_both(without_socket, error)) from None

    def _of_socket(self, name: str, parameters: Mapping[str, str]) -> bytes:
        """Raises ControlError if the socket cannot be used by this user, or no gate serves it."""
        try:
            path = control_socket(self._config)
        except SettingsError as error:
            raise ControlError(str(error)) from None
        if path is None:
            raise ControlError("the settings name no state.directory, so there is no control socket")
        return ask_for_answer(path, Request("show", answer=name, parameters=dict(parameters)))

    @staticmethod
    def _of_server(url: str, token_file: Path | None, name: str, parameters: Mapping[str, str]) -> bytes:
        page = f"api/{name}"
        query = urlencode({key: value for key, value in parameters.items() if value})
        try:
            token = read_token(token_file) if token_file else ""
            status, body = get_page(url, f"{page}?{query}" if query else page, MOST_ANSWER_BYTES, token)
        except (AdminUrlError, SettingsError) as error:
            raise GateAnswerError(str(error)) from None
        except NoPageError as error:
            raise _NoServerError(f"no gate answers at {url}: {error}; is it running?") from None
        if status == 200:
            return body
        said = body[:_SHOWN_OF_ERROR].decode(errors="replace").strip()
        remedy = "; name its file with --token-file" if status == _STATUS_OF_TOKEN else ""
        raise GateAnswerError(f"{url}/{page}: {status} {said}{remedy}")


def _both(socket: object, server: object) -> str:
    """Why neither the socket nor the server gave an answer, in one line."""
    first = str(socket)
    return f"{first} Also, {server}" if first.endswith("?") else f"{first}; {server}"


class _NoServerError(GateAnswerError):
    """Nothing answers at the URL."""
