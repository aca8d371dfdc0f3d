"""Forms that arrive slowly, one after the other: each has its time, and nobody else waits for it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from licensegate.app.admin import forms
from licensegate.app.admin.access import Access, Audience
from licensegate.app.admin.page import Page, PageAnswer, PageRequest
from licensegate.app.admin.server import AdminServer
from licensegate.app.admin.sessions import Sessions
from support.sockets import run

TOKEN = "0123456789abcdef"
HEAD = (
    b"POST /form HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer 0123456789abcdef\r\nConnection: close\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
)


async def _read(source: object, request: PageRequest) -> PageAnswer:
    return PageAnswer(repr(dict(request.form.fields)).encode())


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    """The port of a server with one form."""
    page = Page("/form", Audience.CHANGES, "text/plain", _read, "", method="POST", most_bytes=100)
    server: AdminServer[object] = AdminServer(Access((), TOKEN), [page], object(), Sessions())
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        server.serve(sock)
        try:
            yield int(sock.getsockname()[1])
        finally:
            await server.stop()


async def send(port: int, *pieces: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    return reader, writer


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    said = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return said


def test_a_form_in_pieces_is_read_whole() -> None:
    async def main() -> None:
        async with served() as port:
            said = await answer(*await send(port, HEAD, b"a=%", b"41", b"&b=+"))
            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.endswith(b"{'a': 'A', 'b': ' '}")

    run(main())


def test_a_form_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "BODY_SECONDS", 0.2)

    async def main() -> None:
        async with served() as port:
            said = await answer(*await send(port, HEAD, b"a="))
            assert said.startswith(b"HTTP/1.1 408 ")

    run(main())


def test_slow_forms_make_only_forms_wait() -> None:
    async def main() -> None:
        async with served() as port:
            slow = [await send(port, HEAD, b"a=") for _ in range(8)]
            other = await answer(*await send(port, b"GET / HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n"))
            assert other.startswith(b"HTTP/1.1 401 ")
            for _, writer in slow:
                writer.write(b"1&b=222")
            for reader, writer in slow:
                assert (await answer(reader, writer)).endswith(b"{'a': '1', 'b': '222'}")

    run(main())


@pytest.mark.parametrize("part", [b"--\nm", b"--x\r\na b: c\r\n\r\n--x--", b"--x\r\nA: \0\r\n\r\n"])
def test_a_part_with_a_broken_header_is_a_form_that_cannot_be_read(part: bytes) -> None:
    fields = HEAD.replace(b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x")
    head = fields.replace(b"Content-Length: 9", b"Content-Length: %d" % len(part))

    async def main() -> bytes:
        async with served() as port:
            reader, writer = await send(port, head, part)
            answer = await reader.read()
            writer.close()
            return answer

    assert run(main()).startswith(b"HTTP/1.1 400 ")


def test_a_browser_that_leaves_in_the_middle_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with served() as port:
            _, writer = await send(port, HEAD, b"a=")
            writer.transport.abort()
            said = await answer(*await send(port, HEAD, b"a=1234567"))
            assert said.startswith(b"HTTP/1.1 200 ")

    run(main())
    assert "fault" not in caplog.text


def test_a_path_for_forms_alone_names_their_method() -> None:
    async def main() -> None:
        async with served() as port:
            said = await answer(*await send(port, b"GET /form HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n"))
            assert said.startswith(b"HTTP/1.1 405 ")
            assert b"\r\nAllow: POST\r\n" in said
            assert said.endswith(b"Only POST is served here.\n")

    run(main())
