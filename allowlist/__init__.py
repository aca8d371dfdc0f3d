"""May they go there: targets, rules, presets, the policy made of them, and which addresses are public.

`target` turns what a client or an operator wrote into one normal form; `policy` compares only that form. `addresses`
judges what a name resolved to. The facts are data beside the code: `presets/*.toml` and `networks.csv`.

Nothing here opens a socket, resolves a name or reads settings; it imports nothing of ours from outside this folder.
"""
