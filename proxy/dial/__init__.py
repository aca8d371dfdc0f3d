"""From a target to a connected socket.

`resolver` remembers the addresses of names, and `look_up_shares` limits the look-ups of one client. `system_resolver`
asks the system, `dual_stack` for each address family, and `hosts_file` reads /etc/hosts. `address_selection` picks the
addresses that may be dialled, `dialer` connects to one of them. `loop_guard` knows which addresses lead back to the
gate. The address check is the last step before connect.
"""
