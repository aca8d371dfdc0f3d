"""The metrics and pages of a running gate after real tunnels."""

import http.client
import socket
import ssl
from pathlib import Path

import pytest

from support.admin_client import (
    ANY_PORT,
    ENDED_TOTAL,
    OPEN_PAGES,
    TRUSTED_PAGES,
    get_page,
    get_page_until,
    scrape,
    scrape_until,
)
from support.authority import Authority
from support.gate import ANYTHING, Gate, cisco_at
from support.licensing_exchange import HOST, MESSAGE, REFUSING_HOST, TARGET
from support.programs import run
from support.raw_client import ask, break_off, dial, end_well, open_tunnel, read_answer, read_to_end
from support.requirements import require_command
from support.standin import CALL_HOME_PATH
from support.upstream import SECONDS, Upstream, read_nothing

REFUSED = b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nuser-agent: probe/1\r\nX-Odd: 1\r\n\r\n"


def post(gate: Gate, authority: Authority) -> None:
    """Send the licensing message through the gate, as a client of Python's would."""
    connection = http.client.HTTPSConnection(
        "127.0.0.1", gate.port, timeout=SECONDS, context=ssl.create_default_context(cafile=authority.root)
    )
    connection.set_tunnel(HOST, 443, {"User-Agent": "test/1"})
    connection.request("POST", CALL_HOME_PATH, MESSAGE)
    assert connection.getresponse().read()
    connection.close()


def test_a_tunnel_and_a_refusal_are_counted(watched: Gate, authority: Authority) -> None:
    before = scrape(watched)
    assert before.value(ENDED_TOTAL) == 0
    assert before.value("licensegate_tunnels_open") == 0

    post(watched, authority)
    assert ask(watched, REFUSED).status == 403

    after = scrape_until(watched, lambda series: series.value(ENDED_TOTAL) == 2)
    assert after.value(ENDED_TOTAL, target=TARGET, stage="relay") == 1
    assert after.value(ENDED_TOTAL, target="none", stage="policy", outcome="target_not_allowed") == 1
    assert after.value("licensegate_bytes_total", direction="to_upstream") > len(MESSAGE)
    assert after.value("licensegate_bytes_total", direction="from_client") > len(MESSAGE)
    assert after.value("licensegate_server_name_checks_total", result="match") == 1
    assert after.value("licensegate_dial_attempts_total", family="ipv4", result="connected") == 1
    assert after.value("licensegate_phase_seconds_count", phase="relay") == 1
    assert after.value("licensegate_target_reached", target=TARGET) == 1
    assert after.value("licensegate_target_last_reached_timestamp_seconds", target=TARGET) > 1.7e9
    assert after.value("licensegate_build_info") == 1
    assert after.value("licensegate_certificate_expiry_timestamp_seconds") > 1.7e9
    assert after.value("process_resident_memory_bytes") > 1e6


def test_promtool_accepts_the_metrics(watched: Gate, authority: Authority) -> None:
    promtool = require_command("promtool", "prometheus")
    get_page(watched, "/upstreamz")
    post(watched, authority)
    ask(watched, REFUSED)
    series = scrape_until(watched, lambda series: series.value(ENDED_TOTAL) == 2)

    checked = run(promtool, "check", "metrics", stdin=series.text.encode())

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


THIS_CLIENT = "/api/client?key=address:127.0.0.1"

INJECTIONS = [
    b'CONNECT a".evil.example:443 HTTP/1.1\r\n\r\n',
    b'CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: <script>alert(1)</script>"} 1\\n\r\n\r\n',
    b'CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: a\\nlicensegate_build_info{x="y"} 7\r\n\r\n',
    b"CONNECT <b>evil.example</b>:443 HTTP/1.1\r\n\r\n",
    b'GET http://evil.example/"><img/src=x> HTTP/1.1\r\n\r\n',
    b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: \xff\xfe\xe2\x80\xae\r\n\r\n",
]


def test_client_input_reaches_no_label_and_stays_text(watched: Gate) -> None:
    for request in INJECTIONS:
        assert ask(watched, request).status in {400, 403, 405}

    series = scrape_until(watched, lambda series: series.value(ENDED_TOTAL) == len(INJECTIONS))
    for word in ("evil", "script>", "<", "127.0.0.1", "alert", "img"):
        assert word not in series.text
    assert series.value("licensegate_build_info") == 1

    for page in TRUSTED_PAGES:
        shown = get_page(watched, page)
        assert shown.status == 200
        assert shown.fields["x-content-type-options"] == "nosniff"
        assert shown.fields["content-security-policy"].startswith("default-src 'none'")
        if page.startswith("/api/"):
            assert shown.fields["content-type"] == "application/json"
            assert shown.json
            assert shown.body.isascii()
        else:
            assert shown.fields["content-type"] == "text/html; charset=utf-8"
            assert all(markup not in shown.body for markup in ("<script>", "<b>evil", "<img", "\u202e"))
    agents = [program["user_agent"] for program in get_page(watched, THIS_CLIENT).json["programs"]]
    assert '<script>alert(1)</script>"} 1\\n' in agents
    assert r"\xff\xfe\xe2\x80\xae" in agents


def test_open_pages_name_no_client(watched: Gate) -> None:
    client = "127.9.8.7"
    with socket.create_connection(("127.0.0.1", watched.port), SECONDS, source_address=(client, 0)) as connection:
        connection.sendall(f"CONNECT {REFUSING_HOST}:443 HTTP/1.1\r\nHost: {REFUSING_HOST}\r\n\r\n".encode())
        assert read_to_end(connection).startswith(b"HTTP/1.1 502 ")

    get_page_until(watched, "/api/clients", lambda page: client in page.body)
    for page in OPEN_PAGES:
        assert client not in get_page(watched, page).body


def test_head_has_no_body_and_post_is_405(watched: Gate) -> None:
    for page in (*OPEN_PAGES, *TRUSTED_PAGES):
        head = get_page(watched, page, "HEAD")
        assert head.status in {200, 503}
        assert head.body == ""
        assert int(head.fields["content-length"]) > 0
        refused = get_page(watched, page, "POST")
        assert (refused.status, refused.fields["allow"]) == (405, "GET, HEAD")


def test_an_open_tunnel_is_shown_with_its_bytes_so_far(tmp_path: Path) -> None:
    with (
        Upstream(read_nothing) as upstream,
        Gate(tmp_path, cisco_at(upstream.port, admin=ANY_PORT, more=ANYTHING)) as gate,
    ):
        with open_tunnel(gate) as tunnel:
            tunnel.sendall(b"x" * 1000)
            shown = get_page_until(gate, "/api/tunnels", lambda page: '"upstream_written":1000' in page.body).json
            assert shown["open"] == 1
            assert shown["tunnels"][0]["state"] == "relaying"
            assert shown["tunnels"][0]["record"]["target"] == TARGET
            assert scrape(gate).value("licensegate_tunnels_open") == 1
        get_page_until(gate, "/api/tunnels", lambda page: page.json["open"] == 0)


@pytest.mark.parametrize("taken", ["closed", "reset", "stayed"])
def test_a_client_shows_the_fingerprint_and_the_reaction_to_refusal(watched: Gate, taken: str) -> None:
    with dial(watched) as connection:
        connection.sendall(REFUSED)
        read_answer(connection)
        read_to_end(connection)
        if taken == "closed":
            end_well(connection)
        elif taken == "reset":
            break_off(connection)
        shown = get_page_until(watched, THIS_CLIENT, lambda page: page.status == 200).json

    assert shown["client"]["addresses"] == ["127.0.0.1"]
    assert shown["client"]["finding"] == "target_not_allowed"
    (program,) = shown["programs"]
    assert (program["user_agent"], program["http_version"]) == ("probe/1", "1.1")
    assert (program["fields"], program["host_form"]) == (["Host", "user-agent", "X-Odd"], "host")
    assert (program["server_name_sent"], program["refusal_taken"]) == (None, taken)
    (refusal,) = get_page(watched, "/api/refusals").json["refusals"]
    assert refusal["sentence"] == "evil.example:443 is not in the allowlist."
    assert refusal["record"]["refusal_taken"] == taken


def test_a_client_shows_what_its_client_hello_offers(watched: Gate, authority: Authority) -> None:
    post(watched, authority)

    (program,) = get_page_until(watched, THIS_CLIENT, lambda page: page.status == 200).json["programs"]

    assert program["user_agent"] == "test/1"
    assert (program["server_name_sent"], program["tls_version"]) == (True, "1.3")
