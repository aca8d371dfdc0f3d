"""From a target to a connected socket.

`resolver` looks the name up, `address_selection` judges the addresses, `dialer` connects to one of them.
`loop_guard` knows which addresses lead back to the gate. The check is the last thing before connect.
"""
