import tomllib

import pytest

from licensegate.app.settings.toml_fault import remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('username = "CORP\\svc"', r"write 'CORP\svc'", id="backslash in double quotes"),
        pytest.param('access = "C:\\logs\\a.log" # here', r"write 'C:\logs\a.log'", id="path of Windows"),
        pytest.param("host = “a.example.net”", "U+201C, LEFT DOUBLE QUOTATION MARK", id="typographic quotes"),
        pytest.param("[limits]\ntunnels\u00a0= 5", "U+00A0, NO-BREAK SPACE", id="no-break space"),
        pytest.param("burst\u200b = 5", "U+200B, ZERO WIDTH SPACE", id="character without a width"),
        pytest.param("[a]\nx = 1\n[b]\n[a]\ny = 2", "put all keys of this table below one line", id="table twice"),
        pytest.param("[a]\nx = 1\nx = 2", "the key is there twice; remove one of them", id="key twice"),
        pytest.param("private = yes", "write true", id="yes"),
        pytest.param("private = True # of Python", "write true", id="true in capitals"),
        pytest.param("host = a.example.net", 'write "a.example.net"', id="text without quotes"),
        pytest.param("burst = 05", "write 5", id="number with a leading zero"),
        pytest.param("burst =", "a line is key = ", id="no value"),
        pytest.param("listen: 3128", "a line is key = ", id="YAML"),
        pytest.param("<<<<<<< HEAD", "a line is key = ", id="conflict of a merge"),
        pytest.param("announce = 'gate", "a line is key = ", id="quote without its end"),
    ],
)
def test_a_fault_in_toml_has_its_remedy(text: str, expected: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as raised:
        tomllib.loads(text)

    assert expected in remedy(text, str(raised.value))
