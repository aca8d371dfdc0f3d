"""A soak: good, bad and slow clients over every door of a gate for a while, and then every book has to agree.

`origin` is the target of the tunnels, `doors` the gates, `clients` what each kind of client does, `traffic` has them do
it in rounds. After each round `process` looks at what the gate holds; at the end `books` compares what clients, origin,
records, metrics and ledger say. `make soak` runs it for two minutes, `tests/faults/test_soak.py` for some seconds.
"""
