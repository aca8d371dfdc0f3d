"""From a target to a connected socket.

`resolver` looks the name up, `address_selection` picks the addresses that may be dialled, `dialer` connects to one of
them. `loop_guard` knows which addresses lead back to the gate. The address check is the last step before connect.
"""
