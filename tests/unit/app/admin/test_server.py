"""The admin server on a real socket: methods, header fields, faults, and how many connections there may be."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from functools import cache
from ipaddress import ip_network

import pytest
from msgspec import Struct

from licensegate.app.admin import connection, responses
from licensegate.app.admin.access import Access, Audience
from licensegate.app.admin.page import Page, PageAnswer, PageRequest
from licensegate.app.admin.server import AdminServer
from licensegate.certs.identity import load_key_pair, server_context
from support.certificates import issue
from support.sockets import run, turns, until

ACCESS = Access([ip_network("127.0.0.0/8")], "0123456789abcdef")
PATIENCE = 20
LONG = 8_000_000
"""Bytes of a page that fits no socket's buffer."""


class Answer:
    """One answer, as it came over the wire."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        self.status = int(line.split()[1])
        self.fields = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}


class Line(Struct):
    """A body in JSON."""

    number: int


class Served:
    """An admin server with a page, one that fails, and one that waits for `proceed`."""

    def __init__(self) -> None:
        self.proceed = asyncio.Event()
        self.waiting = 0
        self.rendered = 0
        self.server = AdminServer(ACCESS, PAGES, self)
        self.port = self.open()

    def open(self) -> int:
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        self.server.serve(sock)
        return int(sock.getsockname()[1])

    async def page(self, request: PageRequest) -> PageAnswer:
        return PageAnswer(b"here\n")

    async def line(self, request: PageRequest) -> PageAnswer:
        return PageAnswer(Line(7))

    async def long(self, request: PageRequest) -> PageAnswer:
        self.rendered += 1
        return PageAnswer(iter([b"x" * 1000] * (LONG // 1000)))

    async def fail(self, request: PageRequest) -> PageAnswer:
        raise ZeroDivisionError("secret")

    async def wait(self, request: PageRequest) -> PageAnswer:
        self.waiting += 1
        await self.proceed.wait()
        return PageAnswer(b"no\n", 503)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: str = "GET /metrics HTTP/1.1", *fields: str) -> Answer:
        reader, writer = await self.connect()
        writer.write("\r\n".join((request, "Host: 127.0.0.1", "Connection: close", *fields, "", "")).encode())
        answer = Answer(await asyncio.wait_for(reader.read(), PATIENCE))
        writer.close()
        return answer


PAGES = (
    Page("/metrics", Audience.OPEN, "text/plain", Served.page, ""),
    Page("/clients", Audience.TRUSTED, "text/plain", Served.page, ""),
    Page("/tunnels", Audience.TRUSTED, "application/json", Served.line, ""),
    Page("/long", Audience.OPEN, "text/plain", Served.long, "", is_shared=True),
    Page("/readyz", Audience.OPEN, "text/plain", Served.fail, ""),
    Page("/healthz", Audience.OPEN, "text/plain", Served.wait, ""),
)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[Served]:
    here = Served()
    try:
        yield here
    finally:
        await here.server.stop()


def test_a_page_has_the_browser_security_fields() -> None:
    async def main() -> None:
        async with served() as here:
            answer = await here.ask()
            assert (answer.status, answer.body) == (200, b"here\n")
            assert answer.fields["cache-control"] == "no-store"
            assert answer.fields["x-content-type-options"] == "nosniff"
            assert answer.fields["x-frame-options"] == "DENY"
            assert answer.fields["content-security-policy"].startswith("default-src 'none'")
            assert answer.fields["server"] == "LicenseGate"
            assert "access-control-allow-origin" not in answer.fields

    run(main())


def test_a_struct_is_sent_as_one_line_of_json() -> None:
    async def main() -> None:
        async with served() as here:
            answer = await here.ask("GET /tunnels HTTP/1.1")
            assert (answer.status, answer.body) == (200, b'{"number":7}\n')
            assert answer.fields["content-type"] == "application/json"

    run(main())


def test_head_is_answered_as_get_without_a_body() -> None:
    async def main() -> None:
        async with served() as here:
            answer = await here.ask("HEAD /metrics HTTP/1.1")
            assert (answer.status, answer.body, answer.fields["content-length"]) == (200, b"", "5")

    run(main())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get"])
def test_other_methods_are_not_served(method: str) -> None:
    async def main() -> None:
        async with served() as here:
            answer = await here.ask(f"{method} /metrics HTTP/1.1", "Content-Length: 0")
            assert answer.status in {400, 405}
            if method not in {"get", "CONNECT"}:  # aiohttp answers these itself
                assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD")
                assert answer.fields["content-security-policy"]

    run(main())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", id="TLS"),
        pytest.param(b"SSH-2.0-x\r\n", id="SSH"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="bytes in a path"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", id="a field too long"),
    ],
)
def test_a_malformed_request_does_not_reveal_the_library(said: bytes) -> None:
    async def main() -> None:
        async with served() as here:
            reader, writer = await here.connect()
            writer.write(said)
            answer = Answer(await asyncio.wait_for(reader.read(), PATIENCE))
            writer.close()
            assert (answer.status, answer.fields["server"]) == (400, "LicenseGate")
            assert answer.body == b"This is not a valid HTTP/1 request.\n"
            assert answer.fields["x-content-type-options"] == "nosniff"

    run(main())


@pytest.mark.parametrize(
    ("request_line", "fields", "status"),
    [
        pytest.param("GET /clients HTTP/1.1", ["X-Forwarded-For: 127.0.0.1"], 401, id="forwarded by a proxy"),
        pytest.param("GET /clients HTTP/1.1", ["Via: 1.1 proxy"], 401, id="marked as forwarded by a proxy"),
        pytest.param("GET /clients HTTP/1.1", ["Forwarded: for=192.0.2.1"], 401, id="the same in the newer way"),
        pytest.param(
            "GET /clients HTTP/1.1", ["Via: 1.1 proxy", "Authorization: Bearer 0123456789abcdef"], 200, id="the token"
        ),
        pytest.param("GET /clients HTTP/1.1", [], 200, id="this host"),
        pytest.param("GET /%63lients HTTP/1.1", ["Via: 1.1 proxy"], 401, id="a path written otherwise"),
        pytest.param("GET /metrics/../clients HTTP/1.1", ["Via: 1.1 proxy"], 401, id="a path that climbs"),
        pytest.param("GET /clients?x=/metrics HTTP/1.1", ["Via: 1.1 proxy"], 401, id="a query"),
        pytest.param("GET http://127.0.0.1/clients HTTP/1.1", ["Via: 1.1 proxy"], 401, id="a path with a host"),
        pytest.param("GET /nothing HTTP/1.1", ["Via: 1.1 proxy"], 401, id="a page that is not there"),
        pytest.param("GET /metrics/ HTTP/1.1", ["Via: 1.1 proxy"], 401, id="an open page's path with a slash"),
        pytest.param("GET /Metrics HTTP/1.1", ["Via: 1.1 proxy"], 401, id="an open page's path in capitals"),
        pytest.param("GET //metrics HTTP/1.1", ["Via: 1.1 proxy"], 401, id="an open page's path with two slashes"),
        pytest.param("GET /nothing HTTP/1.1", [], 404, id="a page that is not there, from this host"),
        pytest.param("GET /metrics?x=1 HTTP/1.1", ["Via: 1.1 proxy"], 200, id="an open page"),
    ],
)
def test_access_depends_on_the_request_as_sent(request_line: str, fields: list[str], status: int) -> None:
    async def main() -> None:
        async with served() as here:
            answer = await here.ask(request_line, *fields)
            assert answer.status == status
            assert ("www-authenticate" in answer.fields) == (status == 401)

    run(main())


def test_a_failing_page_is_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with served() as here:
            with caplog.at_level(logging.ERROR):
                answer = await here.ask("GET /readyz HTTP/1.1")
            assert answer.status == 500
            assert b"secret" not in answer.body

    run(main())
    assert "ZeroDivisionError: secret" in caplog.text


MALFORMED = {
    "no HTTP": b"garbage\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "a long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "an invalid length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    "an invalid URL": b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_400_and_not_logged(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with served() as here:
            reader, writer = await here.connect()
            writer.write(sent)
            assert Answer(await asyncio.wait_for(reader.read(), PATIENCE)).status == 400
            writer.close()
            assert (await here.ask()).status == 200

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_one_connection_too_many_closes_the_oldest() -> None:
    async def main() -> None:
        async with served() as here:
            held = [await here.connect() for _ in range(64)]
            assert (await here.ask()).status == 200
            reader, _ = held[0]
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            for _, writer in held:
                writer.close()

    run(main())


SLOW = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def test_a_connection_being_answered_is_not_closed() -> None:
    async def main() -> None:
        async with served() as here:
            reader, writer = await here.connect()
            writer.write(SLOW)
            await until(lambda: here.waiting)
            held = [await here.connect() for _ in range(63)]
            assert (await here.ask()).status == 200
            assert await asyncio.wait_for(held[0][0].read(), PATIENCE) == b""
            here.proceed.set()
            assert Answer(await asyncio.wait_for(reader.read(), PATIENCE)).status == 503
            for _, other in held:
                other.close()

    run(main())


def test_while_all_are_being_answered_the_oldest_gives_way() -> None:
    async def main() -> None:
        async with served() as here:
            held = [await here.connect() for _ in range(64)]
            for _, writer in held:
                writer.write(SLOW)
            await until(lambda: here.waiting == 64)
            assert (await here.ask()).status == 200
            reader, writer = held.pop(0)
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            writer.close()
            here.proceed.set()
            for reader, writer in held:
                assert Answer(await asyncio.wait_for(reader.read(), PATIENCE)).status == 503
                writer.close()
            assert (await here.ask()).status == 200

    run(main())


def test_a_new_socket_replaces_the_first() -> None:
    async def main() -> None:
        async with served() as here:
            assert (await here.ask()).status == 200
            before = here.port
            here.port = here.open()
            assert (await here.ask()).status == 200
            here.port = before
            with pytest.raises(ConnectionRefusedError):
                await here.ask()

    run(main())


def test_without_a_socket_connections_are_refused() -> None:
    async def main() -> None:
        async with served() as here:
            assert (await here.ask()).status == 200
            here.server.serve(None)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            with pytest.raises(ConnectionRefusedError):
                await here.ask()

    run(main())


def test_the_source_with_most_connections_gives_way() -> None:
    async def main() -> None:
        async with served() as here:
            lonely_reader, lonely = await here.connect()
            many = [
                await asyncio.open_connection("127.0.0.1", here.port, local_addr=("127.0.0.2", 0)) for _ in range(63)
            ]
            assert (await here.ask()).status == 200
            assert await asyncio.wait_for(many[0][0].read(), PATIENCE) == b""
            lonely.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert Answer(await asyncio.wait_for(lonely_reader.read(), PATIENCE)).status == 200
            for _, writer in [*many, (None, lonely)]:
                writer.close()

    run(main())


def read_to_end(client: socket.socket) -> None:
    while client.recv(1 << 20):
        pass


def stalled_reader(port: int, requests: int = 1) -> socket.socket:
    """A client with a small buffer that asks for the long page and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * requests)
    return client


@pytest.mark.parametrize("requests", [1, 40], ids=["one request", "pipelined requests"])
@pytest.mark.parametrize(
    "limit", [(connection, "_STALL_SECONDS"), (responses, "_SEND_SECONDS")], ids=["no byte taken", "not all taken"]
)
def test_a_reader_that_is_too_slow_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, limit: tuple[object, str], requests: int
) -> None:
    monkeypatch.setattr(*limit, 0.2)

    async def main() -> None:
        async with served() as here:
            with stalled_reader(here.port, requests) as client:
                await until(lambda: here.rendered)
                await until(lambda: here.server.connections == 0)
                client.setblocking(True)
                with pytest.raises(ConnectionResetError):
                    read_to_end(client)
            assert (await here.ask()).status == 200

    run(main())


def test_a_reader_that_is_slow_but_not_too_slow_gets_the_whole_page() -> None:
    async def main() -> None:
        async with served() as here:
            with stalled_reader(here.port) as client:
                client.setblocking(False)
                loop, received = asyncio.get_running_loop(), b""
                while len(received) < LONG:
                    received += await loop.sock_recv(client, 50_000)
            assert received.endswith(b"x" * LONG)

    run(main())


def test_slow_readers_of_a_long_page_share_one_rendering() -> None:
    async def main() -> None:
        async with served() as here:
            clients = [stalled_reader(here.port) for _ in range(20)]
            await until(lambda: here.server.connections == 20)
            await until(lambda: here.rendered)
            await turns(20)
            assert here.rendered == 1
            for client in clients:
                client.close()
            await until(lambda: here.server.connections == 0)
            assert (await here.ask("GET /long HTTP/1.1")).body.endswith(b"x")
            assert here.rendered == 2, "the next one is new"

    run(main())


def test_stopping_closes_every_connection_without_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with served() as here:
            readers = [stalled_reader(here.port) for _ in range(3)]
            idle, writer = await here.connect()
            await until(lambda: here.rendered and here.server.connections == 4)
            await here.server.stop()
            assert await asyncio.wait_for(idle.read(), PATIENCE) == b""
            await until(lambda: here.server.connections == 0)
            writer.close()
            for reader in readers:
                reader.close()

    run(main())
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


@cache
def own_context() -> ssl.SSLContext:
    """A context with a certificate, as a gate's."""
    issued, context = issue(), server_context()
    load_key_pair(context, [issued.pem], issued.key_pem())
    return context


def test_a_tls_handshake_that_fails_leaves_no_connection_behind() -> None:
    async def main() -> None:
        async with served() as here:
            here.server.speak_tls(own_context)
            for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
                reader, writer = await here.connect()
                writer.write(said)
                writer.write_eof()
                await asyncio.wait_for(reader.read(), PATIENCE)
                writer.close()
            await until(lambda: here.server.connections == 0)
            assert here.server.connections == 0

    run(main())


def test_tls_handshakes_that_stand_still_keep_nobody_out() -> None:
    async def main() -> None:
        async with served() as here:
            here.server.speak_tls(own_context)
            held = [await here.connect() for _ in range(64)]
            await until(lambda: here.server.connections == 64)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port, ssl=context)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert Answer(await asyncio.wait_for(reader.read(), PATIENCE)).status == 200
            for _, other in (*held, (None, writer)):
                other.close()

    run(main())


def test_a_change_to_tls_ends_idle_connections_without_it() -> None:
    async def main() -> None:
        async with served() as here:
            reader, writer = await here.connect()
            await until(lambda: here.server.connections == 1)
            here.server.speak_tls(own_context)
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            writer.close()

    run(main())
