"""A gate that is watched: real scrapes, health checks and pages, and who may see them."""

import contextlib
import http.client
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.clients import run
from support.exchange import HOST, MESSAGE, REFUSING_HOST, TARGET
from support.gate import ANYTHING, COMMAND, Gate, GateEndedError, lab
from support.network import Network
from support.parts import require_command
from support.raw import ask, break_off, dial, end_well, open_tunnel, read_answer, read_to_end
from support.standin import CALL_HOME_PATH, StandIn
from support.upstream import SECONDS, Upstream, closed_port, read_nothing
from support.watching import ANY_PORT, admin_port, scrape, scrape_until, show, show_until

OPEN_PAGES = ("/metrics", "/healthz", "/readyz", "/upstreamz")
OTHER_PAGES = ("/", "/tunnels", "/refusals", "/clients")
TOKEN = "7c0d5a6b1e2f43908172635445362718"
ENDED = "licensegate_connections_ended_total"
REFUSED = b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nuser-agent: probe/1\r\nX-Odd: 1\r\n\r\n"


@pytest.fixture
def watched(tmp_path: Path, standin: StandIn) -> Iterator[Gate]:
    """A gate that is watched, whose targets are the stand-in, one that refuses, and one without a name."""
    places = (f"{TARGET}:127.0.0.1:{standin.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
    with Gate(tmp_path, lab(*places, admin=ANY_PORT)) as gate:
        yield gate


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
    assert before.value(ENDED) == 0
    assert before.value("licensegate_tunnels_open") == 0

    post(watched, authority)
    assert ask(watched, REFUSED).status == 403

    after = scrape_until(watched, lambda series: series.value(ENDED) == 2)
    assert after.value(ENDED, target=TARGET, stage="relay") == 1
    assert after.value(ENDED, target="none", stage="policy", outcome="target_not_allowed") == 1
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


def test_prometheus_has_nothing_to_say_against_the_metrics(watched: Gate, authority: Authority) -> None:
    promtool = require_command("promtool", "prometheus")
    show(watched, "/upstreamz")
    post(watched, authority)
    ask(watched, REFUSED)
    series = scrape_until(watched, lambda series: series.value(ENDED) == 2)

    checked = run(promtool, "check", "metrics", stdin=series.text.encode())

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


INJECTIONS = [
    b'CONNECT a".evil.example:443 HTTP/1.1\r\n\r\n',
    b'CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: <script>alert(1)</script>"} 1\\n\r\n\r\n',
    b'CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: a\\nlicensegate_build_info{x="y"} 7\r\n\r\n',
    b"CONNECT <b>evil.example</b>:443 HTTP/1.1\r\n\r\n",
    b'GET http://evil.example/"><img/src=x> HTTP/1.1\r\n\r\n',
    b"CONNECT evil.example:443 HTTP/1.1\r\nUser-Agent: \xff\xfe\xe2\x80\xae\r\n\r\n",
]


def test_nothing_that_a_stranger_sends_gets_into_a_label_or_out_of_its_text(watched: Gate) -> None:
    for request in INJECTIONS:
        assert ask(watched, request).status in {400, 403, 405}

    series = scrape_until(watched, lambda series: series.value(ENDED) == len(INJECTIONS))
    for word in ("evil", "script>", "<", "127.0.0.1", "alert", "img"):
        assert word not in series.text
    assert series.value("licensegate_build_info") == 1

    for page in OTHER_PAGES:
        shown = show(watched, page)
        assert shown.status == 200
        assert shown.fields["x-content-type-options"] == "nosniff"
        assert shown.fields["content-security-policy"].startswith("default-src 'none'")
        assert shown.body.isascii()
        if page != "/":
            assert shown.fields["content-type"] == "application/json"
            assert shown.json
    agents = [program["user_agent"] for program in show(watched, "/clients").json["clients"][0]["programs"]]
    assert '<script>alert(1)</script>"} 1\\n' in agents
    assert r"\xff\xfe\xe2\x80\xae" in agents


def test_head_is_answered_without_a_body_and_other_methods_are_not(watched: Gate) -> None:
    for page in (*OPEN_PAGES, *OTHER_PAGES):
        head = show(watched, page, "HEAD")
        assert head.status in {200, 503}
        assert head.body == ""
        assert int(head.fields["content-length"]) > 0
        refused = show(watched, page, "POST")
        assert (refused.status, refused.fields["allow"]) == (405, "GET, HEAD")


def test_an_open_tunnel_is_shown_with_what_it_has_carried_so_far(tmp_path: Path) -> None:
    with (
        Upstream(read_nothing) as upstream,
        Gate(tmp_path, lab(f"{TARGET}:127.0.0.1:{upstream.port}", admin=ANY_PORT, more=ANYTHING)) as gate,
    ):
        with open_tunnel(gate) as tunnel:
            tunnel.sendall(b"x" * 1000)
            shown = show_until(gate, "/tunnels", lambda page: '"upstream_written":1000' in page.body).json
            assert shown["open"] == 1
            assert shown["tunnels"][0]["state"] == "relaying"
            assert shown["tunnels"][0]["record"]["target"] == TARGET
            assert scrape(gate).value("licensegate_tunnels_open") == 1
        show_until(gate, "/tunnels", lambda page: page.json["open"] == 0)


@pytest.mark.parametrize("taken", ["closed", "reset", "stayed"])
def test_a_client_is_shown_by_what_it_writes_and_how_it_takes_a_refusal(watched: Gate, taken: str) -> None:
    with dial(watched) as connection:
        connection.sendall(REFUSED)
        read_answer(connection)
        read_to_end(connection)
        if taken == "closed":
            end_well(connection)
        elif taken == "reset":
            break_off(connection)
        (client,) = show_until(watched, "/clients", lambda page: page.json["clients"]).json["clients"]

    assert client["client"] == "127.0.0.1"
    assert client["last_outcome"] == "target_not_allowed"
    (program,) = client["programs"]
    assert (program["user_agent"], program["http_version"]) == ("probe/1", "1.1")
    assert (program["fields"], program["host_form"]) == (["Host", "user-agent", "X-Odd"], "host")
    assert (program["server_name_sent"], program["refusal_taken"]) == (None, taken)
    (refusal,) = show(watched, "/refusals").json["refusals"]
    assert refusal["sentence"] == "evil.example:443 is not in the allowlist."
    assert refusal["record"]["refusal_taken"] == taken


def test_a_client_is_shown_with_what_its_hello_offers(watched: Gate, authority: Authority) -> None:
    post(watched, authority)

    (client,) = show_until(watched, "/clients", lambda page: page.json["clients"]).json["clients"]

    (program,) = client["programs"]
    assert program["user_agent"] == "test/1"
    assert (program["server_name_sent"], program["tls_version"]) == (True, "1.3")


def test_targets_are_dialled_when_somebody_asks_and_once_however_many_do(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        places = (f"{TARGET}:127.0.0.1:{upstream.port}", f"{REFUSING_HOST}:443:127.0.0.1:{closed_port()}")
        only = '[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "tools.cisco.com"\n'
        only += f'[[allowlist.rule]]\nhost = "{REFUSING_HOST}"\n'
        with Gate(tmp_path, lab(*places, admin=ANY_PORT, more=only)) as gate:
            assert show(gate, "/readyz").json == {"status": "ready", "listeners": [f"127.0.0.1:{gate.port}"]}
            assert upstream.connections == 0, "nobody asks, nobody dials"

            asking = [threading.Thread(target=show, args=(gate, "/upstreamz")) for _ in range(8)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            shown = show(gate, "/upstreamz")

            assert upstream.connections == 1
            assert (shown.status, shown.json["status"]) == (503, "not_reached")
            reached, refusing = shown.json["targets"]
            assert (reached["target"], reached["reached"]) == (TARGET, True)
            assert (refusing["reached"], refusing["outcome"]) == (False, "connection_refused")
            assert refusing["sentence"].startswith(f"{REFUSING_HOST}:443 refused the connection")
            assert show(gate, "/readyz").status == 200, "that is another question"
            assert scrape(gate).value(ENDED) == 0, "a probe is no tunnel"
            assert gate.records() == []


def test_a_target_that_a_tunnel_has_reached_is_not_dialled_for_whoever_asks(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        only = '[allowlist]\npresets = []\n[[allowlist.rule]]\nhost = "tools.cisco.com"\n'
        place = f"{TARGET}:127.0.0.1:{upstream.port}"
        with Gate(tmp_path, lab(place, admin=ANY_PORT, more=only + ANYTHING)) as gate:
            open_tunnel(gate).close()
            scrape_until(gate, lambda series: series.value(ENDED) == 1)

            shown = show(gate, "/upstreamz")

            assert (shown.status, shown.json["status"]) == (200, "reached")
            assert upstream.connections == 1, "the tunnel"


def test_targets_are_dialled_regularly_where_that_is_wanted_and_a_gate_that_reaches_none_may_be_unready(
    tmp_path: Path,
) -> None:
    places = [f"{host}:443:127.0.0.1:{closed_port()}" for host in (HOST, REFUSING_HOST, "api.cisco.com")]
    settings = lab(*places, admin=ANY_PORT, more='[probe]\nevery = "10s"\n')
    settings = settings.replace("[admin]", "[admin]\nready_needs_upstream = true")
    with Gate(tmp_path, settings) as gate:
        series = scrape_until(gate, lambda series: "licensegate_target_reached{" in series.text)
        assert series.value("licensegate_target_reached") == 0

        shown = show(gate, "/readyz")
        assert (shown.status, shown.json["status"]) == (503, "no_upstream")
        assert show(gate, "/healthz").status == 200


def test_a_gate_that_drains_is_alive_and_not_ready(tmp_path: Path) -> None:
    with Upstream(read_nothing) as upstream:
        settings = lab(f"{TARGET}:127.0.0.1:{upstream.port}", admin=ANY_PORT, more=ANYTHING)
        with Gate(tmp_path, settings) as gate:
            tunnel = open_tunnel(gate)
            assert show(gate, "/readyz").status == 200
            gate.send(signal.SIGTERM)

            shown = show_until(gate, "/readyz", lambda page: page.status == 503)

            assert shown.json == {"status": "draining", "listeners": []}
            assert show(gate, "/healthz").status == 200
            assert scrape(gate).value("licensegate_draining") == 1
            tunnel.close()
            gate.await_end()


def test_a_proxy_port_says_that_it_lives_and_that_leaves_no_line(watched: Gate) -> None:
    for request in (b"GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n", b"HEAD /healthz HTTP/1.0\r\n\r\n"):
        with dial(watched) as connection:
            connection.sendall(request)
            answer = read_answer(connection) if request.startswith(b"GET") else None
            assert answer is None or (answer.status, read_to_end(connection)) == (200, b"ok\n")
            if answer is None:
                assert read_to_end(connection).startswith(b"HTTP/1.1 200 OK\r\n")
            end_well(connection)
    dial(watched).close()

    series = scrape_until(
        watched,
        lambda series: (
            series.value("licensegate_health_answers_total") == 2
            and series.value("licensegate_empty_connections_total") == 1
        ),
    )
    assert series.value(ENDED) == 0
    assert watched.records() == []
    assert show(watched, "/clients").json == {"clients": []}


def test_no_tunnel_leads_to_the_admin_server(tmp_path: Path) -> None:
    port = closed_port()
    settings = lab(f"{TARGET}:127.0.0.1:{port}", admin=f"127.0.0.1:{port}")
    with Gate(tmp_path, settings) as gate:
        answer = ask(gate, f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode())

        assert (answer.status, answer.reason.partition(":")[0]) == (502, "target_is_gate")


def test_the_command_asks_a_running_gate(watched: Gate) -> None:
    url = f"http://127.0.0.1:{admin_port(watched)}"

    healthy = run(COMMAND, "health", "--url", url)
    assert (healthy.returncode, healthy.stdout) == (0, '200 {"status":"ok"}\n')
    assert run(COMMAND, "health", "--url", f"{url}/", "readyz").returncode == 0
    failing = run(COMMAND, "health", "--url", url, "upstreamz")
    assert (failing.returncode, failing.stdout) == (1, "")
    assert "connection_refused" in failing.stderr
    assert run(COMMAND, "health", "--url", watched.url).returncode == 0, "a proxy port answers healthz too"
    assert run(COMMAND, "health", "--url", watched.url, "readyz").returncode == 1
    assert run(COMMAND, "health", "--url", f"http://127.0.0.1:{closed_port()}").returncode == 1
    assert run(COMMAND, "health", "--url", "gate").returncode == 2


def test_the_command_finds_the_gate_by_its_settings_and_imports_little(tmp_path: Path, standin: StandIn) -> None:
    port = closed_port()
    with Gate(tmp_path, lab(admin=f"0.0.0.0:{port}")) as gate:
        assert run(COMMAND, "health", "--config", gate.settings).returncode == 0
        assert run(COMMAND, "health", LICENSEGATE_CONFIG=str(gate.settings)).returncode == 0
        program = (
            "import sys; from licensegate.app.cli import main; "
            f"main(['health', '--config', {str(gate.settings)!r}]); "
            "print(*{'aiohttp', 'asyncio', 'cryptography', 'prometheus_client'} & set(sys.modules))"
        )
        done = run(sys.executable, "-c", program)
        assert done.stdout.splitlines()[-1] == ""


def test_an_admin_address_that_is_named_must_be_had_and_the_packaged_one_need_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(GateEndedError, match=f"cannot listen on 127.0.0.1:{port}"):
            Gate(tmp_path, lab(admin=f"127.0.0.1:{port}")).__enter__()

    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # then another program has it, which does as well
            held.enter_context(socket.create_server(("127.0.0.1", 9130)))
        with Gate(tmp_path, lab().replace('[admin]\nlisten = ""', "")) as gate:
            assert any("nobody can watch this gate" in line for line in gate.stderr)
            assert ask(gate, REFUSED).status == 403


@pytest.mark.parametrize("admin", ["", ANY_PORT], ids=["off", "on"])
def test_a_gate_that_nobody_watches_does_not_load_what_watching_takes(tmp_path: Path, admin: str) -> None:
    with Gate(tmp_path, lab(admin=admin)) as gate:
        loaded = Path(f"/proc/{gate.pid}/maps").read_text()

        assert ("aiohttp" in loaded) == bool(admin)


def test_a_token_that_is_none_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("short")
    settings = lab(admin=ANY_PORT).replace("[admin]", '[admin]\ntoken_file = "admin.token"')

    with pytest.raises(GateEndedError, match="holds no token") as ended:
        Gate(tmp_path, settings).__enter__()
    assert ended.value.status == 1


def test_who_may_watch_and_where_changes_by_a_reload_and_the_counts_go_on(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text(TOKEN)
    first, second = closed_port(), closed_port()
    port = closed_port()
    settings = lab(admin=f"127.0.0.1:{first}").replace("127.0.0.1:0", f"127.0.0.1:{port}")
    with Gate(tmp_path, settings) as gate:
        ask(gate, REFUSED)
        scrape_until(gate, lambda series: series.value(ENDED) == 1)
        assert show(gate, "/clients", Via="1.1 proxy").status == 403

        gate.settings.write_text(settings.replace("[admin]", '[admin]\ntoken_file = "admin.token"'))
        gate.send(signal.SIGHUP)
        gate.await_line("reload asked for by SIGHUP")
        assert show(gate, "/clients", Via="1.1 proxy").status == 401
        assert show(gate, "/clients", Via="1.1 proxy", Authorization=f"Bearer {TOKEN}").status == 200
        assert admin_port(gate) == first

        gate.settings.write_text(settings.replace(str(first), str(second)))
        gate.send(signal.SIGHUP)
        gate.await_line("reload asked for by SIGHUP")
        assert admin_port(gate) == second
        assert scrape(gate).value(ENDED) == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first), SECONDS)

        gate.settings.write_text(settings.replace(str(first), str(port)))
        gate.send(signal.SIGHUP)
        gate.await_line("is refused, the settings in force stay")
        assert scrape(gate).value(ENDED) == 1


INSIDE, OUTSIDE = "192.0.2.7", "198.51.100.7"
"""Of TEST-NET-1 and TEST-NET-2, RFC 5737."""


@pytest.mark.parametrize("token", ["", TOKEN], ids=["without a token", "with a token"])
def test_from_elsewhere_only_what_names_no_client_is_shown_and_only_to_the_networks(tmp_path: Path, token: str) -> None:
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
                f"{OUTSIDE} is not in the networks that may ask; add it to admin.networks.\n",
            )
        for page in OTHER_PAGES:
            assert status("127.0.0.1", page)[0] == 200
            for source in (INSIDE, OUTSIDE):
                refused, sentence = status(source, page)
                assert refused == (401 if token else 403)
                assert "admin.token_file" in sentence
        if token:
            for page in (*OPEN_PAGES, *OTHER_PAGES):
                assert status(OUTSIDE, page, f"Authorization: Bearer {token}")[0] == 200
                assert status(OUTSIDE, page, "Authorization: Bearer 0000000000000000")[0] in {401, 403}


def test_whoever_holds_connections_to_the_admin_server_takes_nothing_from_the_gate(watched: Gate) -> None:
    held = [socket.create_connection(("127.0.0.1", admin_port(watched)), SECONDS) for _ in range(300)]

    assert show(watched, "/healthz").status == 200
    assert scrape(watched).value("process_open_fds") < 120
    for connection in held:
        connection.close()
