"""Why a contact failed, and which field to change. Pure: records in, findings out.

`codes` is the table of findings. `diagnosis` finds the one for a record; it knows what the client did before and what
the last look at the target saw (`target_report`).
"""
