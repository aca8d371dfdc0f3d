"""What comes over local sockets, from browsers and from name servers: commands, handovers, forms, DNS answers."""

import asyncio
import os

import msgspec
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import BaseRequest

from licensegate.app.admin.forms import FormRefusedError, read_form
from licensegate.app.admin.page import Form
from licensegate.app.service.control import Control
from licensegate.app.service.control_protocol import Reply, Request
from licensegate.app.service.handover_line import HandoverError, HandoverLine, HandoverStep, Message, line_pair
from licensegate.doctor.path.dns_message import DnsAnswer, query, read_answer
from licensegate.records.requester import Requester

from ..target import LARGE_JSON, FuzzTarget, listed

LOOP = asyncio.new_event_loop()
ASKED = query("tools.cisco.com", "A")
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
MOST_FORM_BYTES = 2048
_MOST_SENT = 1 << 16


async def _carried_out(_who: Requester, request: Request) -> Reply:
    return Reply(True, f"{request.command} {request.answer} {request.target}")


CONTROL = Control({"reload": _carried_out, "answer": _carried_out})


def control_reply(line: bytes) -> Reply | bytes:
    return LOOP.run_until_complete(CONTROL.answer(line, Requester(os.getuid())))


def handover_message(data: bytes) -> Message:
    """A message of the other process, if it is one of those that are waited for."""
    line, other = line_pair()
    try:
        if data:
            other.send(data[:_MOST_SENT])
        other.close()
        return LOOP.run_until_complete(_heard(line))
    finally:
        line.close()


async def _heard(line: HandoverLine) -> Message:
    return await line.receive(HandoverStep.READY, HandoverStep.SERVING, HandoverStep.SOCKETS)


def form(data: bytes) -> Form:
    """The form in a body; the first byte chooses how it is encoded."""
    multipart = data[:1] == b"m"
    return LOOP.run_until_complete(_form(data[1:], MULTIPART if multipart else URLENCODED))


async def _form(body: bytes, content_type: str) -> Form:
    payload = StreamReader(BaseProtocol(LOOP), 2**16, loop=LOOP)
    payload.feed_data(body)
    payload.feed_eof()
    headers = {"Content-Type": content_type}
    request: BaseRequest = make_mocked_request("POST", "/", headers, payload=payload)
    return await read_form(request, MOST_FORM_BYTES)


def form_holds(_data: bytes, outcome: Form | FormRefusedError) -> None:
    """A form is bounded, and its texts can be written in UTF-8."""
    if isinstance(outcome, FormRefusedError):
        assert outcome.status in (400, 408, 413, 415)
        return
    assert len(outcome.fields) + len(outcome.files) <= 32
    assert all(value.encode() is not None for value in (*outcome.fields, *outcome.fields.values()))
    assert sum(map(len, outcome.files.values())) <= MOST_FORM_BYTES


def dns(data: bytes) -> DnsAnswer | None:
    return read_answer(ASKED[:2] + data, ASKED, "A")


def dns_holds(_data: bytes, outcome: DnsAnswer | None) -> None:
    """An answer has addresses and a code to show."""
    assert outcome is None or (outcome.code.isprintable() and all(len(each) <= 45 for each in outcome.addresses))


TARGETS = (
    FuzzTarget(
        name="control-line",
        read=control_reply,
        seeds=(
            msgspec.json.encode(Request("reload")) + b"\n",
            msgspec.json.encode(Request("answer", answer="tunnels", parameters={"a": "b"})),
            b"",
            b"{}",
            b"[]",
            b'{"command":"no"}',
            b'{"command":"reload","ready_seconds":-1e400}',
        ),
        words=(
            *listed(r'{"command":"reload" "parameters":{ "x": \xff 1e400 " } \\ud800 ,'),
            *LARGE_JSON,
        ),
        largest=8192,
    ),
    FuzzTarget(
        name="handover-message",
        read=handover_message,
        refuses=(HandoverError,),
        seeds=(
            *(msgspec.json.encode(Message(step)) for step in HandoverStep),
            b'{"step":"ready","used":[0,1],"release":"1"}',
            b'{"step":"sockets","passed":[{"purpose":"listener","name":"0.0.0.0:3128"}]}',
        ),
        words=(
            *listed(r'{"step": "ready" "sockets" "failed" "reason":" "x": \xff \\u001b }'),
            *LARGE_JSON,
        ),
        largest=8192,
    ),
    FuzzTarget(
        name="admin-form",
        read=form,
        refuses=(FormRefusedError,),
        holds=form_holds,
        seeds=(
            b"uname=CUCM+Tokyo&note=%E3%81%82&a=",
            b"u" + b"a=b&" * 40,
            b"u%",
            b"m",
            b"m--x--\r\n",
            b"m--x\r\n\r\n",
            (
                b'm--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x\r\n'
                b'Content-Disposition: form-data; name="f"; filename="t"\r\n\r\nshow\r\n--x--\r\n'
            ),
        ),
        words=listed(r"""
            & = + % %00 %ff --x\r\n --x--\r\n \r\n\r\n Content-Disposition:\x20form-data ;\x20name="a"
            ;\x20filename="f" Content-Type:\x20multipart/mixed;\x20boundary=y\r\n
            Content-Transfer-Encoding:\x20base64\r\n Content-Encoding:\x20gzip\r\n Content-Length:\x205\r\n
            filename*=utf-8''%e3 \xff
            """),
    ),
    FuzzTarget(
        name="dns-answer",
        read=dns,
        holds=dns_holds,
        seeds=(
            b"\x81\x80\0\1\0\1\0\0\0\0" + ASKED[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4",
            b"\x83\x80\0\1\0\2\0\0\0\0"
            + ASKED[12:]
            + b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\5\3cdn\0\3cdn\0\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4",
            b"\x81\x83\0\0\0\0\0\0\0\0",
        ),
        words=listed(r"\xc0\x0c \x00\x01\x00\x01 \x00\x1c \xff\xff \x00\x04 \x03cdn\x00 \x81\x80"),
        largest=1024,
    ),
)
