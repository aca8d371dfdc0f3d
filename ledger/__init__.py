"""The ledger: when each client last reached its licensing server, kept across restarts (`docs/ledger.md`).

`clients` says whose record it is and `intake` sums records up, both without I/O. `writer` owns the thread that writes
to the `store`: SQLAlchemy Core over SQLite or PostgreSQL (`place`, `engine`, `tables`, `rows`, `migrations`,
`forgetting`).

People read and write it at the `desk`: `reading` has the queries, `summaries` and `dossier` the values that they make,
`by_hand` and `keeping` what people add, `naming` what a client is called, and `standing` how it stands.

Only `store` and what it stands on, `reading` and `keeping` import SQLAlchemy; the threads load them. Long work of
a thread has `pauses`, so that tunnels are served meanwhile.
"""
