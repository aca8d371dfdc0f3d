"""Logs at real receivers: rsyslog, syslog-ng and systemd's journal, over every transport."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.open_sink import open_sink
from licensegate.app.logs.sink import LogLine, Severity
from licensegate.app.settings import Syslog
from licensegate.app.settings.log_place import read_log_place
from support.authority import Authority, Leaf
from support.gate import Gate, cisco_at
from support.raw_client import ask, open_tunnel
from support.standin import StandIn
from support.syslog_servers import Journald, Rsyslog, SyslogNg

TEXTS = ['{"name":"ü 日本","tab":"\\t"}', 'a [b] \\ " ] <1> 2 - #012', "x" * 7000]
OVER_NETWORK = ["syslog+udp://127.0.0.1:{udp}", "syslog+tcp://localhost:{tcp}", "syslog+tls://localhost:{tls}"]
"""RFC 5424 is understood everywhere here."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Leaf:
    return authority.issue("gate.test")


@pytest.fixture(scope="module")
def rsyslog(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Rsyslog]:
    with Rsyslog(tmp_path_factory.mktemp("rsyslog"), authority) as server:
        yield server


@pytest.fixture(scope="module")
def syslog_ng(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SyslogNg]:
    with SyslogNg(tmp_path_factory.mktemp("syslog-ng"), authority) as server:
        yield server


def place(url: str, server: Rsyslog | SyslogNg) -> str:
    return url.format(folder=server.folder, udp=server.udp, tcp=server.tcp, tls=server.tls)


def send(url: str, syslog: Syslog, texts: list[str]) -> None:
    """Write lines as a gate does, and see that none was lost."""
    told: list[str] = []
    sink = open_sink(read_log_place(url, Path()), "log.access", syslog)
    writer = LineWriter(sink, "access log", lambda level, sentence: told.append(sentence))
    for text in texts:
        writer.put(LogLine(text.encode(), Severity.WARNING, time.time()))
    writer.close()
    sink.close()
    assert (told, writer.dropped) == ([], 0)


def assert_arrives(
    server: Rsyslog | SyslogNg, url: str, authority: Authority, client: Leaf, form: str = "auto"
) -> None:
    """Assert that all of TEXTS arrive as they are, with every field of the head that this form has."""
    server.forget()
    syslog = Syslog(format=form, ca=authority.root, certificate=client.chain, key=client.key)  # type: ignore[arg-type]
    send(place(url, server), syslog, TEXTS)
    found = server.received(len(TEXTS))
    assert [one.text.strip() for one in found] == TEXTS
    assert {one.priority for one in found} == {16 * 8 + 4}
    assert {(one.app_name, one.process_id) for one in found} == {("licensegate", str(os.getpid()))}
    if url in OVER_NETWORK or form == "rfc5424":
        assert {(one.host, one.message_id) for one in found} == {(socket.gethostname(), "access")}
        assert [f'sequenceId="{number}"' in one.data for number, one in enumerate(found, 1)] == [True] * len(TEXTS)


@pytest.mark.parametrize("url", [*OVER_NETWORK, "syslog://{folder}/log"])
def test_rsyslog_reads_every_field_and_text(url: str, rsyslog: Rsyslog, authority: Authority, client: Leaf) -> None:
    assert_arrives(rsyslog, url, authority, client)


@pytest.mark.parametrize("url", [*OVER_NETWORK, "syslog://{folder}/log", "syslog://{folder}/stream"])
def test_syslog_ng_reads_every_field_and_text(
    url: str, syslog_ng: SyslogNg, authority: Authority, client: Leaf
) -> None:
    assert_arrives(syslog_ng, url, authority, client)


def test_both_read_rfc_5424_at_a_unix_socket_that_is_set_to_it(
    rsyslog: Rsyslog, syslog_ng: SyslogNg, authority: Authority, client: Leaf
) -> None:
    for server in (rsyslog, syslog_ng):
        assert_arrives(server, "syslog://{folder}/rfc5424", authority, client, "rfc5424")


def test_the_journal_has_priorities_and_whole_messages() -> None:
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parents[1])]!r}\n"
        "from licensegate.app.settings import Syslog\n"
        "from interop.test_syslog import send, TEXTS\n"
        "send('journal', Syslog(), TEXTS)\n"
        "send('syslog:///run/systemd/journal/dev-log', Syslog(), TEXTS[:1])\n"
    )
    entries = Journald().entries(script, sys.executable, len(TEXTS) + 1)
    assert [entry["MESSAGE"] for entry in entries] == [*TEXTS, TEXTS[0]]
    assert {(entry["PRIORITY"], entry["SYSLOG_FACILITY"]) for entry in entries} == {("4", "16")}
    assert [entry.get("LICENSEGATE_LOG") for entry in entries] == ["access"] * len(TEXTS) + [None]


def test_a_reload_sends_each_log_to_a_server_with_its_severity(
    tmp_path: Path, standin: StandIn, rsyslog: Rsyslog, authority: Authority, client: Leaf
) -> None:
    rsyslog.forget()
    before = cisco_at(standin.port)
    after = before.replace(
        'access = "access.jsonl"',
        place(
            'access = "syslog+tls://localhost:{tls}"\nchanges = "syslog+tcp://127.0.0.1:{tcp}"\n'
            'service = "syslog://{folder}/log"\n'
            f'syslog_ca = "{authority.root}"\nsyslog_certificate = "{client.chain}"\nsyslog_key = "{client.key}"\n'
            'syslog_facility = "daemon"\nsyslog_app_name = "gate-1"',
            rsyslog,
        ),
    )
    with Gate(tmp_path, before) as gate:
        gate.settings.write_text(after)
        gate.send(signal.SIGHUP)
        assert any("reload requested by SIGHUP" in one.text for one in rsyslog.received(2))
        assert ask(gate, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n").status == 403
        open_tunnel(gate).close()

    found = rsyslog.received(6)
    by_kind = {kind: [one for one in found if one.message_id == kind] for kind in ("access", "changes", "")}
    records = {json.loads(one.text)["outcome"]: one.priority - 3 * 8 for one in by_kind["access"]}
    assert records.pop("target_not_allowed") == Severity.NOTICE
    assert list(records.values()) == [Severity.WARNING], "a tunnel that was not used"
    assert [json.loads(one.text)["kind"] for one in by_kind["changes"]] == ["reload", "stop"]
    assert any("stopped" in one.text for one in by_kind[""])
    assert {one.app_name for one in found} == {"gate-1"}
