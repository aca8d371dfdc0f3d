"""The operator's settings, read from a TOML file and the environment, checked, and passed on as frozen values.

No other room reads either. `schema` is the format of the file, `file` and `environment` read it, `build` checks it and
makes the values of `settings`. A fault raises `SettingsError` with its place and the remedy. Nothing here opens a
socket, resolves a name or writes.
"""

from .load import load
from .log_place import LogKind, LogPlace
from .settings import Admin, Auth, Log, LogFormat, Looks, Settings, SettingsError, Syslog, Tls

__all__ = [
    "Admin",
    "Auth",
    "Log",
    "LogFormat",
    "LogKind",
    "LogPlace",
    "Looks",
    "Settings",
    "SettingsError",
    "Syslog",
    "Tls",
    "load",
]
