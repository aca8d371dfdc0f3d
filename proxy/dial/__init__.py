"""From a target to a connected socket.

`resolver` remembers the addresses of names. `system_resolver` asks the system for them, `hosts_file` reads /etc/hosts.
`address_selection` picks those that may be dialled, `dialer` connects to one of them. `loop_guard` knows which
addresses lead back to the gate. The address check is the last step before connect.
"""
