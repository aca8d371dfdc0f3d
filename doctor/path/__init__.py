"""The way to a target: names, addresses, tunnel, TLS, HTTP, clocks; and the gate's listeners. One module per step."""
