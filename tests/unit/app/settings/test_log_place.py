"""The places of logs, as operators type them."""

import re
from pathlib import Path

import pytest

from licensegate.app.settings.log_place import LogKind, LogPlace, read_log_place

FOLDER = Path("/etc/licensegate")


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("-", LogPlace(LogKind.STANDARD_OUTPUT), "standard output"),
        ("STDERR", LogPlace(LogKind.STANDARD_ERROR), "standard error"),
        ("/dev/stderr", LogPlace(LogKind.STANDARD_ERROR), "standard error"),
        ("journal", LogPlace(LogKind.JOURNAL), "the journal"),
        ("a.jsonl", LogPlace(LogKind.FILE, "/etc/licensegate/a.jsonl"), "/etc/licensegate/a.jsonl"),
        ("./stdout", LogPlace(LogKind.FILE, "/etc/licensegate/stdout"), "/etc/licensegate/stdout"),
        ("12:30.log", LogPlace(LogKind.FILE, "/etc/licensegate/12:30.log"), "/etc/licensegate/12:30.log"),
        ("a:b.log", LogPlace(LogKind.FILE, "/etc/licensegate/a:b.log"), "/etc/licensegate/a:b.log"),
        ("syslog:///dev/log", LogPlace(LogKind.SYSLOG_SOCKET, "/dev/log"), "syslog:///dev/log"),
        ("syslog:/dev/log", LogPlace(LogKind.SYSLOG_SOCKET, "/dev/log"), "syslog:///dev/log"),
        (
            "syslog+udp://logs.example.net",
            LogPlace(LogKind.SYSLOG_UDP, host="logs.example.net", port=514),
            "syslog+udp://logs.example.net:514",
        ),
        (
            "SYSLOG+TCP://192.0.2.1:1514/",
            LogPlace(LogKind.SYSLOG_TCP, host="192.0.2.1", port=1514),
            "syslog+tcp://192.0.2.1:1514",
        ),
        (
            "syslog+tls://[2001:db8::1]",
            LogPlace(LogKind.SYSLOG_TLS, host="2001:db8::1", port=6514),
            "syslog+tls://[2001:db8::1]:6514",
        ),
    ],
)
def test_a_place_is_read_and_named(text: str, place: LogPlace, shown: str) -> None:
    assert read_log_place(text, FOLDER) == place
    assert str(place) == shown
    assert read_log_place(text, FOLDER).is_syslog == text.lower().startswith("syslog")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a path; write one"),
        ("logs/", "is a directory; name a file in it"),
        ("syslog", 'would be the name of a file; write "-" for standard output, "syslog:///dev/log" for syslog'),
        ("syslog://logs.example.net:514", 'names no transport; write "syslog+udp://logs.example.net:514"'),
        ("syslog://", 'names no socket; write "syslog:///dev/log"'),
        ("syslog+sctp://logs.example.net", 'is not the URL of a log; write "syslog:///dev/log"'),
        ("http://logs.example.net", 'is not the URL of a log; write "syslog:///dev/log"'),
        ("syslog+tcp://", "is not the address of a syslog server; write syslog+tcp://HOST:PORT"),
        ("syslog+tcp://user@logs.example.net", "is not the address of a syslog server"),
        ("syslog+tcp://logs.example.net:0", "has the port 0"),
        ("syslog+tcp://logs.example.net:99999", "has the port 99999"),
        ("syslog+tls://logs.example.net/path", "is not the address of a syslog server"),
        ("syslog+udp://two words", "is not a host"),
    ],
)
def test_a_spelling_that_means_nothing_gets_a_remedy(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_log_place(text, FOLDER)
