"""A gate that asks products: it starts, reloads and stops with them, and keeps aiohttp out until it asks."""

import signal
from pathlib import Path

from support.axl import StandInAxl
from support.gate import Gate, gate_settings

PRODUCT = """
[[client]]
name = "PUB"

[[product]]
client = "PUB"
address = "localhost:{port}"
username = "reader"
password_file = "axl.password"
ca = "publisher's-CA.pem"
"""


def test_a_gate_starts_reloads_and_stops_with_products(tmp_path: Path) -> None:
    with StandInAxl(tmp_path) as axl:
        (tmp_path / "axl.password").write_text("s3cret-of-axl")
        with Gate(tmp_path, gate_settings(more=PRODUCT.format(port=axl.port))) as gate:
            loaded = Path(f"/proc/{gate.pid}/maps").read_text()
            gate.settings.write_text(gate_settings())
            gate.send(signal.SIGHUP)
            assert "product removes" in gate.await_line("reload requested")

    assert "aiohttp" not in loaded
    assert axl.connections == 0
    assert "s3cret" not in "".join(gate.stderr)
