"""Authentication: who is this client, and must it log in? `authenticator` decides, one file per login scheme checks."""
