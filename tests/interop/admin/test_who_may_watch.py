"""The admin address of a running gate, and who may see its pages."""

import contextlib
import signal
import socket
from pathlib import Path

import pytest

from support.admin_client import (
    ANY_PORT,
    ENDED_TOTAL,
    OPEN_PAGES,
    TRUSTED_PAGES,
    admin_port,
    get_page,
    scrape,
    scrape_until,
)
from support.gate import Gate, GateEndedError, cisco_at, gate_settings
from support.licensing_exchange import TARGET
from support.network import Network
from support.raw_client import ask, read_to_end
from support.upstream import SECONDS, closed_port

TOKEN = "7c0d5a6b1e2f43908172635445362718"
REFUSED = b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"


def test_no_tunnel_leads_to_the_admin_server(tmp_path: Path) -> None:
    port = closed_port()
    settings = cisco_at(port, admin=f"127.0.0.1:{port}")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode())

        assert (answer.status, answer.outcome) == (502, "target_is_gate")


def test_a_named_admin_address_must_bind_and_the_default_need_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(GateEndedError, match=f"cannot listen on 127.0.0.1:{port}"):
            Gate(tmp_path, gate_settings(admin=f"127.0.0.1:{port}")).__enter__()

    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # another program has the port: just as good
            held.enter_context(socket.create_server(("127.0.0.1", 9130)))
        with Gate(tmp_path, gate_settings().replace('[admin]\nlisten = ""', "")) as gate:
            assert any("the gate runs without an admin server" in line for line in gate.stderr)
            assert ask(gate, REFUSED).status == 403


@pytest.mark.parametrize("admin", ["", ANY_PORT], ids=["off", "on"])
def test_a_gate_without_admin_listen_does_not_load_aiohttp(tmp_path: Path, admin: str) -> None:
    with Gate(tmp_path, gate_settings(admin=admin)) as gate:
        loaded = Path(f"/proc/{gate.pid}/maps").read_text()

        assert ("aiohttp" in loaded) == bool(admin)


def test_an_invalid_token_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("short")
    settings = gate_settings(admin=ANY_PORT).replace("[admin]", '[admin]\ntoken_file = "admin.token"')

    with pytest.raises(GateEndedError, match="holds no token") as ended:
        Gate(tmp_path, settings).__enter__()
    assert ended.value.status == 2


def test_a_reload_changes_admin_access_and_keeps_the_counts(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text(TOKEN)
    first, second = closed_port(), closed_port()
    port = closed_port()
    settings = gate_settings(admin=f"127.0.0.1:{first}").replace("127.0.0.1:0", f"127.0.0.1:{port}")
    with Gate(tmp_path, settings) as gate:
        ask(gate, REFUSED)
        scrape_until(gate, lambda series: series.value(ENDED_TOTAL) == 1)
        assert get_page(gate, "/clients", Via="1.1 proxy").status == 403

        gate.settings.write_text(settings.replace("[admin]", '[admin]\ntoken_file = "admin.token"'))
        gate.send(signal.SIGHUP)
        gate.await_line("reload requested by SIGHUP")
        assert get_page(gate, "/clients", Via="1.1 proxy").status == 401
        assert get_page(gate, "/clients", Via="1.1 proxy", Authorization=f"Bearer {TOKEN}").status == 200
        assert admin_port(gate) == first

        gate.settings.write_text(settings.replace(str(first), str(second)))
        gate.send(signal.SIGHUP)
        gate.await_line("reload requested by SIGHUP")
        assert admin_port(gate) == second
        assert scrape(gate).value(ENDED_TOTAL) == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first), SECONDS)

        gate.settings.write_text(settings.replace(str(first), str(port)))
        gate.send(signal.SIGHUP)
        gate.await_line("refused: the settings in force stay")
        assert scrape(gate).value(ENDED_TOTAL) == 1


INSIDE, OUTSIDE = "192.0.2.7", "198.51.100.7"
"""Of TEST-NET-1 and TEST-NET-2, RFC 5737."""


@pytest.mark.parametrize("token", ["", TOKEN], ids=["without a token", "with a token"])
def test_other_hosts_see_only_open_pages_and_only_from_the_networks(tmp_path: Path, token: str) -> None:
    (tmp_path / "admin.token").write_text(token)
    (tmp_path / "names").mkdir()
    file = 'token_file = "admin.token"\n' if token else ""
    settings = f"""
[[listen]]
address = "127.0.0.1:0"
[clients]
networks = ["127.0.0.0/8"]
[allowlist]
presets = []
[admin]
listen = "0.0.0.0:9130"
networks = ["192.0.2.0/24"]
{file}
"""
    with (
        Network(tmp_path / "names", {}, INSIDE, OUTSIDE) as network,
        Gate(tmp_path, settings, prefix=network.inside),
    ):

        def status(source: str, page: str, *fields: str) -> tuple[int, str]:
            with network.new_socket() as connection:
                connection.bind((source, 0))
                connection.connect((source, 9130))
                lines = (f"GET {page} HTTP/1.1", f"Host: {source}:9130", "Connection: close", *fields, "", "")
                connection.sendall("\r\n".join(lines).encode())
                answer = read_to_end(connection).decode()
            return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]

        for page in OPEN_PAGES:
            assert status(INSIDE, page)[0] == 200
            assert status("127.0.0.1", page)[0] == 200
            assert status(OUTSIDE, page) == (
                403,
                f"{OUTSIDE} may not read this page; add it to admin.networks.\n",
            )
        for page in TRUSTED_PAGES:
            assert status("127.0.0.1", page)[0] == 200
            for source in (INSIDE, OUTSIDE):
                refused, sentence = status(source, page)
                assert refused == (401 if token else 403)
                assert "admin.token_file" in sentence
        if token:
            for page in (*OPEN_PAGES, *TRUSTED_PAGES):
                assert status(OUTSIDE, page, f"Authorization: Bearer {token}")[0] == 200
                assert status(OUTSIDE, page, "Authorization: Bearer 0000000000000000")[0] in {401, 403}


def test_many_admin_connections_do_not_use_up_descriptors(watched: Gate) -> None:
    held = [socket.create_connection(("127.0.0.1", admin_port(watched)), SECONDS) for _ in range(300)]

    assert get_page(watched, "/healthz").status == 200
    assert scrape(watched).value("process_open_fds") < 120
    for connection in held:
        connection.close()
