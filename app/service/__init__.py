"""Runs the gate: from settings to the line that says ready, through reloads, to the last drained tunnel.

`run` is the main loop, `components` what a running gate is made of, `control` the socket that reloads are asked for on,
`systemd` and `logs` what the service manager and an operator are told.
"""
