"""The demo's clients, against a proxy that opens a tunnel to a server of its own, or does not."""

import ssl
from pathlib import Path

from licensegate.demo.authority import Authority
from licensegate.demo.clients import DemoClient, close, post
from support.matrix.parents import opens, says
from support.matrix.servers import answer, secured
from support.upstream import Upstream

CUCM = DemoClient("CUCM", "127.0.0.11", newest=ssl.TLSVersion.TLSv1_2)
HOST = "tools.cisco.com"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


def test_a_client_keeps_its_tunnel_after_the_answer(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "demo root")
    with Upstream(opens(secured(authority.server_context(HOST), answer()))) as proxy:
        tunnel = post(CUCM, proxy.port, HOST, authority.root)

        assert tunnel is not None
        assert (tunnel.getsockname()[0], tunnel.version()) == (CUCM.address, "TLSv1.2")
        close(tunnel)
        assert tunnel.fileno() == -1


def test_a_client_refuses_a_certificate_of_another_root(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "demo root"), Authority(tmp_path, "other root")
    with Upstream(opens(secured(other.server_context(HOST), answer()))) as proxy:
        assert post(CUCM, proxy.port, HOST, authority.root) is None
        assert post(CUCM, proxy.port, HOST, None) is None


def test_a_client_that_is_refused_has_no_tunnel(tmp_path: Path) -> None:
    with Upstream(says(REFUSED)) as proxy:
        assert post(CUCM, proxy.port, HOST, None) is None


def test_no_key_of_the_authority_or_a_server_stays_on_disk(tmp_path: Path) -> None:
    Authority(tmp_path, "demo root").server_context(HOST)

    assert [file.name for file in tmp_path.iterdir()] == ["demo-root.pem"]
    assert b"PRIVATE" not in (tmp_path / "demo-root.pem").read_bytes()
