"""What is made of a product's answers."""

from datetime import UTC, datetime, timedelta

import pytest

from licensegate.products.answer import MOST_BYTES, RawAnswer, reading_of, retry_after
from licensegate.products.no_answer import NoAnswerError, NoAnswerReason
from licensegate.products.request import body, header_fields
from support.axl import ANSWER
from support.licence_texts import text_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
    b"<faultstring>The specified AXL version is not valid</faultstring></s:Fault></s:Body></s:Envelope>"
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><Envelope><Body>&d;&d;&d;</Body></Envelope>'
)
OUTSIDE = b'<!DOCTYPE b [<!ENTITY f SYSTEM "file:///etc/passwd">]><Envelope><Body>&f;</Body></Envelope>'
DEEP = b"<Envelope>" + b"<a>" * 100_000


def test_the_answer_is_read() -> None:
    report = reading_of(RawAnswer(200, {}, ANSWER), NOW).report

    assert report.registration.status == "registered"
    assert report.authorization.deadline == "2026-04-01T14:55:19 EDT"


def test_an_answer_without_the_element_return_is_read() -> None:
    content = ANSWER.replace(b"<return>", b"").replace(b"</return>", b"")

    assert reading_of(RawAnswer(200, {}, content), NOW).report.registration.smart_account == "Blue & Harbour Ltd"


@pytest.mark.parametrize(
    ("status", "fields", "content", "reason"),
    [
        pytest.param(401, {}, b"", NoAnswerReason.LOGIN_REFUSED, id="wrong password"),
        pytest.param(403, {}, b"", NoAnswerReason.NOT_ALLOWED, id="no role"),
        pytest.param(503, {}, b"", NoAnswerReason.THROTTLED, id="throttled"),
        pytest.param(429, {}, b"", NoAnswerReason.THROTTLED, id="too many requests"),
        pytest.param(302, {"location": "https://other.example.net/"}, b"", NoAnswerReason.REDIRECTED, id="elsewhere"),
        pytest.param(500, {}, b"<html>Error</html>", NoAnswerReason.STATUS, id="error page"),
        pytest.param(404, {}, b"", NoAnswerReason.STATUS, id="no such path"),
        pytest.param(204, {}, b"", NoAnswerReason.STATUS, id="nothing"),
        pytest.param(500, {}, FAULT, NoAnswerReason.FAULT, id="fault"),
        pytest.param(200, {}, FAULT, NoAnswerReason.FAULT, id="fault with 200"),
        pytest.param(200, {}, b"", NoAnswerReason.NOT_AXL, id="empty"),
        pytest.param(200, {}, b"\xff\xfe\x00rubbish", NoAnswerReason.NOT_AXL, id="rubbish"),
        pytest.param(200, {}, b"<html><body>Welcome</body></html>", NoAnswerReason.NOT_AXL, id="page"),
        pytest.param(200, {}, b"<Envelope><Body><other/></Body></Envelope>", NoAnswerReason.NOT_AXL, id="another call"),
        pytest.param(200, {}, ANSWER[:-40], NoAnswerReason.NOT_AXL, id="cut"),
        pytest.param(200, {}, BOMB, NoAnswerReason.NOT_AXL, id="entities of entities"),
        pytest.param(200, {}, OUTSIDE, NoAnswerReason.NOT_AXL, id="entity of a file"),
        pytest.param(200, {}, DEEP, NoAnswerReason.NOT_AXL, id="deep"),
        pytest.param(
            200, {}, b'<?xml version="1.0" encoding="x-unknown"?><a/>', NoAnswerReason.NOT_AXL, id="unknown encoding"
        ),
        pytest.param(200, {"content-encoding": "gzip"}, ANSWER, NoAnswerReason.NOT_AXL, id="compressed"),
        pytest.param(200, {}, b" " * (MOST_BYTES + 1), NoAnswerReason.TOO_LARGE, id="too large"),
    ],
)
def test_any_other_answer_has_a_reason(
    status: int, fields: dict[str, str], content: bytes, reason: NoAnswerReason
) -> None:
    with pytest.raises(NoAnswerError) as caught:
        reading_of(RawAnswer(status, fields, content), NOW)

    assert caught.value.reason is reason
    assert reason.remedy in str(caught.value)


def test_a_fault_is_quoted() -> None:
    with pytest.raises(NoAnswerError, match="The specified AXL version is not valid"):
        reading_of(RawAnswer(500, {}, FAULT), NOW)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        pytest.param("3600", timedelta(hours=1), id="seconds"),
        pytest.param("Mon, 30 Nov 2026 13:00:00 GMT", timedelta(hours=1), id="date"),
        pytest.param("Mon, 30 Nov 2026 11:00:00 GMT", timedelta(), id="a date that has passed"),
        pytest.param("9" * 400, timedelta(days=7), id="years"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="a word"),
        pytest.param("", None, id="none"),
    ],
)
def test_retry_after_is_read_within_a_week(text: str, wait: timedelta | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == wait


def test_throttling_says_how_long() -> None:
    with pytest.raises(NoAnswerError) as caught:
        reading_of(RawAnswer(503, {"retry-after": "86400"}, b""), NOW)

    assert caught.value.wait == timedelta(days=1)


def test_the_request_is_one_read() -> None:
    fields = header_fields("14.0", "axl-reader", "s3cret", "LicenseGate/1")

    assert fields["SOAPAction"] == '"CUCM:DB ver=14.0 getSmartLicenseStatus"'
    assert fields["Authorization"] == "Basic YXhsLXJlYWRlcjpzM2NyZXQ="
    assert body("14.0").count(b"<ns:") == 1
    assert b"<ns:getSmartLicenseStatus/>" in body("14.0")


def test_the_fixture_is_an_answer_as_documented() -> None:
    assert "getSmartLicenseStatusResponse" in text_of("cucm-axl.xml")
