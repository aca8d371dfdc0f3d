"""Judges what a product answered: its words about its licences, or the reason why there are none. No I/O."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct

from licensegate.licensing.read import read
from licensegate.licensing.report import Reading
from licensegate.records.text import printable

from .no_answer import NoAnswerError, NoAnswerReason

MOST_BYTES: Final = 1_000_000
"""The largest answer that is read; one of a product with 20 kinds of licences has 8 KB."""

_LONGEST_WAIT: Final = timedelta(days=7)
_SHOWN: Final = 200


class RawAnswer(Struct, frozen=True):
    """An HTTP answer. The names of `fields` are in lower case; `content` has at most `MOST_BYTES` and one more."""

    status: int
    fields: Mapping[str, str]
    content: bytes


def reading_of(answer: RawAnswer, now: datetime) -> Reading:
    """Read what the product says about its licences. Raises NoAnswerError."""
    _check_status(answer, now)
    if len(answer.content) > MOST_BYTES:
        raise NoAnswerError(NoAnswerReason.TOO_LARGE)
    if answer.fields.get("content-encoding", "identity").lower() != "identity":
        raise NoAnswerError(NoAnswerReason.NOT_AXL, "it is compressed, although that was declined")
    body = _body(answer.content)
    for tag, text in body:
        if tag == "Fault":
            raise NoAnswerError(NoAnswerReason.FAULT, text)
    if not any(tag == "getSmartLicenseStatusResponse" for tag, _ in body):
        raise NoAnswerError(NoAnswerReason.NOT_AXL, "it is XML of another kind")
    return read(answer.content)


def _check_status(answer: RawAnswer, now: datetime) -> None:
    status = answer.status
    if status == 401:
        raise NoAnswerError(NoAnswerReason.LOGIN_REFUSED, f"status {status}")
    if status == 403:
        raise NoAnswerError(NoAnswerReason.NOT_ALLOWED, f"status {status}")
    if status in (429, 503):
        raise NoAnswerError(NoAnswerReason.THROTTLED, f"status {status}", retry_after(answer.fields, now))
    if 300 <= status < 400:
        raise NoAnswerError(NoAnswerReason.REDIRECTED, f"status {status}")
    if status == 500 and b"Fault" in answer.content[:MOST_BYTES]:
        return  # SOAP 1.1 section 6.2: a fault has this status
    if status != 200:
        raise NoAnswerError(NoAnswerReason.STATUS, f"status {status}", retry_after(answer.fields, now))


def _body(content: bytes) -> list[tuple[str, str]]:
    """The elements in the envelope's body: the name without its namespace, and the text in it."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):  # ValueError and LookupError: the encoding
        raise NoAnswerError(NoAnswerReason.NOT_AXL, "it is not plain XML") from None
    if _local(root.tag) != "Envelope":
        raise NoAnswerError(NoAnswerReason.NOT_AXL, "it is XML of another kind")
    return [
        (_local(element.tag), printable(" ".join(" ".join(element.itertext()).split()).encode(), _SHOWN))
        for part in root
        if _local(part.tag) == "Body"
        for element in part
    ]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def retry_after(fields: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long Retry-After asks to wait (RFC 9110 section 10.2.3), at most a week; None without a valid one."""
    text = fields.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        wait = at.replace(tzinfo=at.tzinfo or UTC) - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)
