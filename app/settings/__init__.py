"""What an operator set, from a TOML file and the environment: read, checked, and handed down as frozen values.

No other room reads either. `schema` is the file as it is written, `file` and `environment` read it, `build` makes of
it what is in force (`values`); whatever is wrong is one `SettingsError` that names its place and the way out. Nothing
here opens a socket, resolves a name or writes.
"""

from .load import load
from .settings import Admin, Auth, Log, Settings, SettingsError, Tls

__all__ = ["Admin", "Auth", "Log", "Settings", "SettingsError", "Tls", "load"]
