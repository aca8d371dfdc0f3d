"""Runs the gate: from the settings to the `ready` line, through reloads, until the last tunnel has drained.

`run` starts and stops it, `components` builds its parts, `reload` puts new settings, certificates and users in force,
`control` is the socket that takes reload requests, `systemd` talks to the service manager, and `logs` writes the
service log.
"""
