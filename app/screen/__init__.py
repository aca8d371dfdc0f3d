"""Draws what the overview says of a running gate: on a terminal by rich, plain in a pipe.

`tables` is what both draw: headings, facts and tables of text. `status`, `tunnels`, `refusals` and `clients` make them
from the answers of a gate, `values` words the values in them, `plain` and `drawn` turn them into text. Only `drawn`
loads rich.
"""
