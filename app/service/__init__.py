"""Runs the gate: from the settings to the `ready` line, through reloads, until the last tunnel has drained.

`run` starts and stops it, `components` builds its parts, `reload` puts new settings, certificates and users in force,
in the order of `reload_queue`, and `changes` says what is different. `parts` reads the files of a start or a reload,
`file_check` looks for changed ones.

`handover` puts a new process in this one's place: `successor` starts it, `takeover` is its side, and `handover_line`
what they say to each other. `socket_activation` takes sockets from the service manager, `systemd` talks to it.
`commands` says what carries out each command, `control` is the socket that takes them, with `control_protocol` and
`control_client`. `host` knows the gate's descriptors, `cucm_instructions` what to type into
CUCM, and `logs` writes the service log.
"""
