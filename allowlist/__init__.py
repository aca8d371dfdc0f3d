"""Which targets clients may reach: targets, rules, presets, the policy built from them, and public addresses.

`target` normalises what a client or an operator wrote; `policy` compares only normalised targets. `addresses`
classifies what a name resolved to. The facts are data files beside the code: `presets/*.toml` and `networks.csv`.

Nothing here opens a socket, resolves a name or reads settings; it imports nothing of ours from outside this folder.
"""
