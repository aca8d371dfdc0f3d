"""A gate with stand-ins for Cisco, a parent proxy and clients that act out stories, on loopback, for a first look."""
