"""A gate with stand-ins for Cisco, a parent proxy and clients that act out stories, on loopback, for a first look.

`stories` is the table of what happens and what to look at, `play` acts it out. `lab` starts what they need: an
`authority` and the `stand_ins` it certifies, proxy.py as the company's proxy (`parent`), and `licensegate serve` itself
with settings of its own (`gate`), whose ledger has a `past`. `clients` speak to it as products do, `admin` asks it what
it says of them. `processes` starts what runs beside the demo; `keeper` ends it and removes the folder, whatever
happens.
"""
