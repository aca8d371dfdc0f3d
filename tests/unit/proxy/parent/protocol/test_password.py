import pytest

from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password


@pytest.mark.parametrize(
    ("raw", "password"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b" se cret \n", " se cret "),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"\xef\xbb\xbfsecret\r\n", "secret"),
        (b"x" * PASSWORD_BYTES, "x" * PASSWORD_BYTES),
    ],
    ids=[
        "bare",
        "with its line's end",
        "from Windows",
        "with blanks",
        "UTF-8",
        "with the mark of UTF-8",
        "the longest",
    ],
)
def test_a_password_is_one_line(raw: bytes, password: str) -> None:
    assert read_password(raw) == password


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"user\nsecret\n", b"secret\n\n", b"se\0cret", b"se\rcret", b"\xffsecret", b"secret" * PASSWORD_BYTES],
    ids=["nothing", "an empty line", "two lines", "an empty line more", "a zero", "a return", "not UTF-8", "too long"],
)
def test_an_invalid_password_is_refused_without_repeating_it(raw: bytes) -> None:
    with pytest.raises(PasswordError) as raised:
        read_password(raw)
    assert "secret" not in str(raised.value)
