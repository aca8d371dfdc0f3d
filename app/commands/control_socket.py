"""Where the running gate's control socket is, for the commands that ask it something."""

import os
from pathlib import Path
from typing import Final

from licensegate.app.service.control_protocol import control_path
from licensegate.app.settings.load import find_state_directory, settings_file

NO_SOCKET: Final = (
    "the settings name no state.directory, where the gate's control socket is: name it in the variable "
    "LICENSEGATE__STATE__DIRECTORY"
)


def control_socket(config: Path | None) -> Path | None:
    """Return the path of the socket; None if the settings have no place for one. Raises SettingsError."""
    file = config or settings_file(os.environ)
    return control_path(None, os.environ, file) or control_path(find_state_directory(file, os.environ), os.environ)
