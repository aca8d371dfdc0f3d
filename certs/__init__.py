"""Certificates: the gate's own, loaded or created, watched, shown and checked; and those of targets, judged.

A running gate uses `load_or_create`, `identity` and `served_certificate`, which need only Python's ssl.
The other modules need cryptography or pyOpenSSL, which take 10 MB of memory, so they are imported only where they are
used. `chain` judges the certificates of a target by the roots of `trust_stores`.
"""
