"""The gate's own certificate: loaded or made, watched while it serves, shown and checked for people.

A running gate needs `obtain` (which certificate is it?) and `identity` (load it, and know its names, by `mirror`), with
nothing but Python's ssl. `reading`, `self_signed`, `review` and `trust` know certificates from the inside, need
cryptography or pyOpenSSL, and are imported only by what uses them: 35 ms and 15 MB.
"""
