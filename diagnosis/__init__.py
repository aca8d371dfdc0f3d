"""Why a contact failed, and which field to change. Pure: records in, findings out.

`codes` is the table of findings, `wording` puts a record's finding into words. `diagnosis` finds the one for a record:
it gathers a `case` (the record, what the client did before, what the last look at the target saw) and asks the rules
of its topic: `requests`, `logins`, `dials`, `parents`, `handshakes`, `contacts`, `certificates`, `revocation`. They
share `evidence`. `shapes` reads TLS records, `silence` judges clients that leave no record. A look at a target is a
`target_report`.
"""
