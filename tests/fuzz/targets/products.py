"""What products say about their licences: printed output, JSON, AXL in XML, and Retry-After."""

from datetime import UTC, datetime, timedelta

import msgspec

from licensegate.licensing.read import read_all
from licensegate.licensing.report import Reading
from licensegate.licensing.text.decode import UnreadableTextError
from licensegate.products.answer import RawAnswer, reading_of, retry_after
from licensegate.products.no_answer import NoAnswerError
from support.axl import ANSWER
from support.licence_texts import NAMES, text_of

from ..target import FuzzTarget, listed

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ENVELOPE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
FAULT = (
    ENVELOPE + b"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
)


def readings_hold(_data: bytes, outcome: list[Reading] | UnreadableTextError) -> None:
    """There is at least one, and each is a value that pages and the ledger can write."""
    if not isinstance(outcome, UnreadableTextError):
        assert outcome
        assert all(isinstance(msgspec.json.decode(msgspec.json.encode(reading)), dict) for reading in outcome)


def answered(data: bytes) -> Reading:
    """What an AXL answer says; its first byte chooses the status."""
    status = {b"5": 500, b"7": 407, b"r": 302, b"t": 429}.get(data[:1], 200)
    return reading_of(RawAnswer(status, {"retry-after": "5"}, data[1:] if status != 200 else data), NOW)


def waited(data: bytes) -> timedelta | None:
    return retry_after({"retry-after": data.decode("latin-1")}, NOW)


def wait_holds(_data: bytes, wait: timedelta | None) -> None:
    """A wait is neither negative nor longer than a week."""
    assert wait is None or timedelta() <= wait <= timedelta(days=7)


TARGETS = (
    FuzzTarget(
        name="licence-text",
        read=read_all,
        refuses=(UnreadableTextError,),
        holds=readings_hold,
        seeds=tuple(text for name in NAMES if len(text := text_of(name).encode()) <= 4096),
        words=(
            *listed(r"""
            \n \r\n \x20\x20 :\x20 \t \x1b[0m \x08 --More-- =3D &lt; sw-1# >\x20 \x00 \xff\xfe
            Smart\x20Licensing\x20is\x20ENABLED\n Registration:\n Status:\x20REGISTERED\n
            License\x20Authorization:\n License\x20Usage\n Count:\x201\n (tag) IN\x20USE
            OUT\x20OF\x20COMPLIANCE Next\x20ACK\x20deadline:\x20 UDI:\x20PID:a,SN:b\n
            Jan\x2001\x2010:00:00\x202026\x20UTC Feb\x2030 regid. {" ": [ ] } < </ <![CDATA[
            """),
            b"9" * 30,
        ),
    ),
    FuzzTarget(
        name="product-answer",
        read=answered,
        refuses=(NoAnswerError,),
        seeds=(
            ANSWER,
            b"5" + FAULT,
            FAULT,
            b"r",
            b"t",
            b"7",
            ENVELOPE + b"</s:Body></s:Envelope>",
            b"<a/>",
            b'<?xml version="1.0"?>',
        ),
        words=(
            *listed(r"""
            < </ > /> =" &lt; &#1; <![CDATA[ ]]> <!DOCTYPE\x20a\x20[ <!ENTITY\x20a\x20'b'> <?xml\x20
            </s:Body></s:Envelope> getSmartLicenseStatusResponse encoding="UTF-16" <Envelope><Body> \x00
            """),
            ENVELOPE,
        ),
    ),
    FuzzTarget(
        name="retry-after",
        read=waited,
        holds=wait_holds,
        seeds=(
            b"120",
            b"Mon, 30 Nov 2026 12:05:00 GMT",
            b"Mon, 30 Nov 2026 12:05:00 +9959",
            b"-1",
            b"99999999999999999999",
            b"",
        ),
        words=listed(r"GMT +0000 -9999 2026 99999 : , \x20 Nov 0 \xb2"),
        largest=80,
    ),
)
