"""The ledger: when each client last reached its licensing server, kept across restarts (`docs/ledger.md`).

`clients` says whose record it is and `intake` sums records up, both without I/O. `writer` owns the thread that writes
to the `store`: SQLAlchemy Core over SQLite or PostgreSQL (`place`, `engine`, `tables`, `migrations`). Only these last
ones import SQLAlchemy; the writer's thread loads them.
"""
