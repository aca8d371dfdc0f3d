"""Which address `licensegate health` asks, and how it reads the answer."""

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from licensegate.app.commands.admin_page import AdminUrlError
from licensegate.app.commands.health import HealthAnswer, HealthError, ask, url_of
from licensegate.app.settings import Admin
from licensegate.proxy.settings import ListenAddress
from support.upstream import Upstream, closed_port


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (ListenAddress("127.0.0.1", 9130), "http://127.0.0.1:9130"),
        (ListenAddress("0.0.0.0", 9130), "http://127.0.0.1:9130"),
        (ListenAddress("::", 9130), "http://[::1]:9130"),
        (ListenAddress("10.0.0.9", 80), "http://10.0.0.9:80"),
        (ListenAddress("2001:db8::1", 80), "http://[2001:db8::1]:80"),
    ],
    ids=str,
)
def test_health_asks_a_local_gate_at_its_listen_address(listen: ListenAddress, url: str) -> None:
    assert url_of(Admin(listen, ())) == url
    assert url_of(Admin(listen, (), tls=True)) == url.replace("http:", "https:")


@pytest.mark.parametrize("listen", [None, ListenAddress("127.0.0.1", 0)], ids=["nowhere", "a port of chance"])
def test_without_an_admin_server_the_remedy_is_named(listen: ListenAddress | None) -> None:
    with pytest.raises(HealthError, match="--url"):
        url_of(Admin(listen, ()))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "127.0.0.1:9130",
        "ftp://127.0.0.1:9130",
        "https://127.0.0.1:9130/x",
        "http://",
        "http://127.0.0.1:0x",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:9130/healthz",
        "http://[::1",
        "file:///etc/passwd",
    ],
)
def test_a_url_that_leads_to_no_gate_is_refused(url: str) -> None:
    with pytest.raises(AdminUrlError, match="is not the URL of a gate; write one like"):
        ask(url, "healthz")


class Gate(BaseHTTPRequestHandler):
    """Answers 503 to /readyz and 200 to everything else."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()
        self.wfile.write(f'{{"status":"{self.path}"}}\n'.encode())

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


def test_only_200_is_good_and_the_answer_is_shown() -> None:
    with HTTPServer(("127.0.0.1", 0), Gate) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"

        assert ask(url, "healthz") == HealthAnswer(True, '200 {"status":"/healthz"}')
        assert ask(url, "readyz") == HealthAnswer(False, '503 {"status":"/readyz"}')
        server.shutdown()


def test_no_answer_is_a_failure() -> None:
    port = closed_port()

    verdict = ask(f"http://127.0.0.1:{port}", "healthz")

    assert not verdict.good
    assert verdict.text == f"http://127.0.0.1:{port}/healthz does not answer: Connection refused"
    assert "refused" in verdict.text


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n"])
def test_answer_that_is_not_http_is_a_failure(said: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    with Upstream(answer) as upstream:
        verdict = ask(f"http://127.0.0.1:{upstream.port}", "healthz")

    assert not verdict.good
    assert "does not answer" in verdict.text
