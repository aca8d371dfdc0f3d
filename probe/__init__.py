"""A look at a target: a TLS handshake of the gate's own, in a process of its own (`python -m licensegate.probe`).

`look` makes one, over connections that the gate gave its process, and returns a `TargetReport`. `tunnel` asks the gate
for the target, `exchange` shakes hands and asks for one page, `verdict` judges what came. `job` is what the process is
asked for. The gate imports `job` alone: the rest takes 40 MB.
"""
