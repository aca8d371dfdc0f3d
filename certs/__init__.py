"""The gate's own certificate: loaded or made, watched while it serves, shown and checked for people.

`identity` is what a running gate needs and loads with nothing but Python's ssl; `obtain` decides which certificate that
is, `watch` reloads it. `reading`, `self_signed` and `review` know certificates from the inside, need cryptography and
pyOpenSSL, and are imported only by what uses them (35 ms and 15 MB that most gates never need).
"""
