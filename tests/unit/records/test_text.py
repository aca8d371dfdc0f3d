"""Text made of untrusted bytes: printable, bounded, and without logins."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from licensegate.records import text as module
from licensegate.records.text import printable, quoted, redacted, without_logins
from support.work import is_quick


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"curl/8.5.0", "curl/8.5.0", id="printable"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"a\r\nb", r"a\r\nb", id="CR LF"),
        pytest.param(b"\x00\x1b[2J\x7f", r"\x00\x1b[2J\x7f", id="controls"),
        pytest.param("é".encode(), r"\xc3\xa9", id="UTF-8"),
        pytest.param(b'"quoted" \\ {braces}', '"quoted" \\ {braces}', id="quotes"),
        pytest.param(b"x" * 300, "x" * 200, id="long"),
        pytest.param(b"\xff" * 300, r"\xff" * 50, id="long and escaped"),
    ],
)
def test_untrusted_bytes_become_safe_text(raw: bytes, text: str) -> None:
    assert printable(raw) == text


@given(st.binary(max_size=400), st.integers(0, 300))
@example(b"\xff" * 400, 3)
def test_any_bytes_become_printable_ascii_within_the_limit(raw: bytes, limit: int) -> None:
    text = printable(raw, limit)

    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= limit


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_printable_text_is_unchanged(text: str) -> None:
    assert printable(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"GET /x HTTP/1.1", "GET /x HTTP/1.1"),
        (b"http://cucm:se/cret@host/", "...@host/"),
        (b"cucm:secret@host:443", "...@host:443"),
        (b"CONNECT a@b@c:443", "CONNECT ...@c:443"),
        (b"Proxy-Authorization: Basic secret", "..."),
        (b"authorization: secret", "..."),
        (b"Set-Cookie: secret", "..."),
        (b" secret", "..."),
        (b"Basic secret", "..."),
        (b"CONNECT a:443 HTTP/1.1 Proxy-Authorization: secret", "CONNECT a:443 HTTP/1.1 ..."),
        (b"X: y\rProxy-Authorization: Basic secret\rZ: z", r"X: y\r..."),
        (b"a:443 NTLM secret", "a:443 ..."),
        (b"X: \xff", r"X: \xff"),
        (b"GET http://host/path?user=cucm&p=secret HTTP/1.1", "GET http://host/path?... HTTP/1.1"),
        (b"X-Token: secret", "X-Token: ..."),
        (b"x" * 100, "x" * 60),
    ],
)
def test_quoted_lines_contain_no_login(raw: bytes, text: str) -> None:
    assert quoted(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Apache-HttpClient/4.5.13 (Java/1.8.0_402)", "Apache-HttpClient/4.5.13 (Java/1.8.0_402)"),
        (b"1.1 branch-gate, 1.0 squid (squid/5.7)", "1.1 branch-gate, 1.0 squid (squid/5.7)"),
        (b"CookieJar/1.0 tokens/2 passage/3 keyless", "CookieJar/1.0 tokens/2 passage/3 keyless"),
        (b"agent/1 cucm:secret@host", "agent/1 ...@host"),
        (b"agent/1 BASIC c2VjcmV0", "agent/1 ..."),
        (b"agent/1 (Proxy-Authorization: secret)", "agent/1 (..."),
        (b"agent/1 Password=secret; os=linux", "agent/1 Password=...; os=linux"),
        (b"agent/1 api_key: secret", "agent/1 api_key: ..."),
        (b"agent/1 sessionid=secret,token=secret", "agent/1 sessionid=...,token=..."),
        (b"agent/1 (+http://host/?id=secret) x", "agent/1 (+http://host/?... x"),
        (b"is it on? yes", "is it on? yes"),
        (b"Basic authentication required", "Basic authentication required"),
        (b"NTLM login failed for c2VjcmV0", "NTLM login failed for c2VjcmV0"),
        (b"Proxy-Authorization Required", "Proxy-Authorization Required"),
        (b"basic is off, Basic c2VjcmV0", "basic is off, ..."),
        (b"Authorization c2VjcmV0", "..."),
        (b"cucm:" + b"x" * 300 + b"@host", "...@host"),
    ],
)
def test_values_of_fields_contain_no_login(raw: bytes, text: str) -> None:
    assert without_logins(raw) == text


@given(st.binary(max_size=400))
def test_text_without_logins_is_printable_and_stays_the_same(raw: bytes) -> None:
    text = without_logins(raw)

    assert text.isprintable()
    assert len(text) <= 200
    assert "..." in text or text == printable(raw)


def test_quoting_a_long_line_takes_linear_time() -> None:
    assert is_quick(lambda: quoted(b"x" * 65536), 0.1)


def test_only_values_without_a_login_are_remembered() -> None:
    for number in range(1000):
        redacted(b"agent/%d" % number)
        redacted(b"agent/%d token=secret" % number)
        assert redacted(b"agent/1 cucm:secret@host") == b"agent/1 ...@host"

    assert 0 < len(module._known_clean) <= 256
    assert not any(b"secret" in value for value in module._known_clean)
