"""The protocol between the gate and a parent proxy, without I/O.

`connect_response` writes a CONNECT and reads the response, `challenges` reads the challenges of a 407, and `basic`,
`digest` and `ntlm` implement the login that `scheme` defines. Negotiate is elsewhere, since it asks a KDC.
"""
