"""The gate's own certificate: loading or creating it, watching its files, showing and checking it.

A running gate uses `load_or_create`, `identity` and `served_certificate`, which need only Python's ssl.
`certificate_info`, `self_signed`, `review`, `revocation` and `trust` parse certificates with cryptography or pyOpenSSL,
which take 10 MB of memory, so they are imported only where they are used.
"""
