"""Fuzzing of every parser of bytes from outside: `make fuzz`.

`targets/` is the table of parsers, with what must hold for each whatever the bytes. `corpus` keeps the inputs: a
target's own examples, those that earlier findings left in `tests/data/corpus/`, and those that reach new lines.
`mutation` makes new ones with Hypothesis, `guided` with atheris, which sees what each input reached. `campaign` runs
both over one target. `test_corpus` replays what is kept, in `make test`.
"""
