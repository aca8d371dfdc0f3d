"""What the gate and a parent proxy say to each other, without I/O.

`connect_response` writes a CONNECT and reads the answer, `challenges` reads what a 407 offers, and `basic`, `digest`
and `ntlm` answer a challenge as `scheme` defines it. Negotiate is not here: it asks a KDC.
"""
