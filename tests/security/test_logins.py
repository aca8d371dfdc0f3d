"""Attacks on logins: replays, forged nonces, guesses, floods, broken headers; and that secrets are never logged."""

import base64
import contextlib
import random
import select
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import COMMAND
from support.licensing_exchange import TARGET
from support.login_gate import LoginGate, run_login_gate
from support.logins import PASSWORD, USER, basic, digest, htdigest_lines, htpasswd_line, parameters
from support.programs import run
from support.raw_client import Answer, read_answer, read_to_break
from support.upstream import SECONDS

ELSEWHERE = "127.0.0.2"
LEAST = f"CONNECT {TARGET} HTTP/1.1\r\n".encode()


@pytest.fixture
def login_gate(tmp_path: Path, authority: Authority) -> Iterator[LoginGate]:
    with run_login_gate(tmp_path, authority) as login_gate:
        yield login_gate


def dial(login_gate: LoginGate, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", login_gate.port()), SECONDS, source_address=(source, 0))


def say(login_gate: LoginGate, *values: str | bytes, source: str = "127.0.0.1") -> tuple[Answer, str]:
    """Request the target with these logins. Returns the answer's head, and everything read."""
    with dial(login_gate, source) as connection:
        fields = [value if isinstance(value, bytes) else value.encode() for value in values]
        connection.sendall(LEAST + b"".join(b"Proxy-Authorization: %b\r\n" % value for value in fields) + b"\r\n")
        answer = read_answer(connection)
        if answer.status == 200:
            return answer, ""
        return answer, read_to_break(connection).decode()


@contextlib.contextmanager
def guessing(login_gate: LoginGate, folder: Path, clients: int) -> Iterator[list[socket.socket]]:
    """Connect `clients` clients at once, each with another wrong password that takes about a second to check."""
    (folder / "users.htpasswd").write_text(htpasswd_line(cost=14))
    login_gate.gate.send(signal.SIGHUP)
    login_gate.gate.await_line("takes about 1.1 s to check")
    guesses = [dial(login_gate) for _ in range(clients)]
    for number, connection in enumerate(guesses):
        login = basic(password=f"guess {number}")
        connection.sendall(LEAST + f"Proxy-Authorization: {login}\r\n\r\n".encode())
    yield guesses
    for connection in guesses:
        connection.close()


def outcome(answer: Answer) -> str:
    return f"{answer.status} {answer.reason.partition(':')[0]}"


def challenge(login_gate: LoginGate, source: str = "127.0.0.1") -> str:
    """A Digest challenge, requested on a new connection."""
    with dial(login_gate, source) as connection:
        connection.sendall(LEAST + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
    lines = head.decode().split("\r\n")
    return next(line.partition(": ")[2] for line in lines if "algorithm=SHA-256" in line)


# Nonces


def test_a_login_seen_on_the_wire_cannot_be_sent_again(login_gate: LoginGate) -> None:
    seen = digest(challenge(login_gate))
    assert outcome(say(login_gate, seen)[0]).startswith("200")

    assert outcome(say(login_gate, seen)[0]) == "407 login_stale"
    assert outcome(say(login_gate, seen, source=ELSEWHERE)[0]) == "407 login_stale"


def test_a_login_seen_on_the_wire_fits_no_other_target_or_count(login_gate: LoginGate) -> None:
    asked = challenge(login_gate)
    seen = digest(asked)
    elsewhere = digest(asked, uri="api.cisco.com:443")

    assert outcome(say(login_gate, elsewhere)[0]) == "407 login_unusable"
    assert outcome(say(login_gate, seen.replace("nc=00000001", "nc=00000002"))[0]) == "407 login_refused"


@pytest.mark.parametrize("forge", ["a nonce of another form", "one with another time", "another source's", "none"])
def test_a_nonce_not_made_for_this_source_admits_nobody(login_gate: LoginGate, forge: str) -> None:
    asked = challenge(login_gate, ELSEWHERE if forge == "another source's" else "127.0.0.1")
    nonce = parameters(asked)["nonce"]
    later = base64.urlsafe_b64encode((2**62).to_bytes(8, "big") + base64.urlsafe_b64decode(nonce)[8:]).decode()
    forged = {
        "a nonce of another form": "0" * 32,
        "one with another time": later,
        "another source's": nonce,
        "none": "",
    }

    answer, _ = say(login_gate, digest(asked.replace(nonce, forged[forge])))

    assert outcome(answer) == "407 login_stale"


def test_nonce_counts_used_before_a_reload_stay_used(login_gate: LoginGate) -> None:
    seen = digest(challenge(login_gate))
    say(login_gate, seen)

    login_gate.gate.send(signal.SIGHUP)
    login_gate.gate.await_line("reload requested by SIGHUP")

    assert outcome(say(login_gate, seen)[0]) == "407 login_stale"


# Guesses


def test_only_the_source_of_guesses_waits_longer_and_longer(login_gate: LoginGate) -> None:
    guesses = [outcome(say(login_gate, basic(password=f"guess {number}"))[0]) for number in range(6)]

    assert guesses == ["407 login_refused"] * 4 + ["429 login_limited"] * 2
    assert outcome(say(login_gate, basic(), source=ELSEWHERE)[0]).startswith("200")
    lines = [line for line in login_gate.gate.stderr if "login failed" in line]
    assert len(lines) <= 4, "one for each that was looked at"


def test_a_request_without_a_login_does_not_count_as_a_guess(login_gate: LoginGate) -> None:
    for _ in range(20):
        challenge(login_gate)

    assert outcome(say(login_gate, basic())[0]).startswith("200")


def test_a_flood_of_guesses_does_not_delay_others(tmp_path: Path, authority: Authority) -> None:
    """Many passwords are checked at a second each while another client without a login gets its tunnel."""
    trusted = f'trusted_networks = ["{ELSEWHERE}"]\n'
    with run_login_gate(tmp_path, authority, trusted) as login_gate, guessing(login_gate, tmp_path, 16) as guesses:
        assert outcome(say(login_gate, source=ELSEWHERE)[0]).startswith("200")

        answered, _, _ = select.select(guesses, [], [], 0)
        assert len(answered) < len(guesses), "most of them still wait"


def test_more_guesses_than_can_be_checked_get_503(tmp_path: Path, authority: Authority) -> None:
    with run_login_gate(tmp_path, authority) as login_gate, guessing(login_gate, tmp_path, 19) as guesses:
        (answered, *_), _, _ = select.select(guesses, [], [], SECONDS)
        assert outcome(read_answer(answered)) == "503 login_not_checked"


def test_a_stop_in_the_midst_of_guesses_is_a_good_end(tmp_path: Path, authority: Authority) -> None:
    """A thread that returned from bcrypt during shutdown would abort the process."""
    with run_login_gate(tmp_path, authority) as login_gate, guessing(login_gate, tmp_path, 10) as guesses:
        select.select(guesses, [], [], SECONDS)
        login_gate.gate.send(signal.SIGTERM)
        login_gate.gate.await_line("stopping: ")
        login_gate.gate.stop()  # the second signal ends the drain

        assert "stopped at once: 0 tunnels were cut" in login_gate.gate.stderr[-1]


# Broken headers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"Basic " + b"A" * 12_000, "407 login_unusable", id="giant, within the limit"),
        pytest.param(b"Basic " + b"A" * 20_000, "431 head_too_large", id="giant"),
        pytest.param(b"Basic \xff\xfe", "407 login_unusable", id="not ASCII"),
        pytest.param(b"Basic " + base64.b64encode(b"\xff\xfe:\xff"), "407 login_refused", id="not UTF-8"),
        pytest.param(b"Basic " + base64.b64encode(b"a" * 9000 + b":b"), "407 login_unusable", id="a giant user"),
        pytest.param(b"Basic " + base64.b64encode(b"a:" + b"b" * 9000), "407 login_refused", id="a giant password"),
        pytest.param(b"Digest " + b"a=b," * 3000, "407 login_unusable", id="parameters without end"),
        pytest.param(b'Digest username="' + b"\\" * 12_000 + b'"', "407 login_unusable", id="backslashes without end"),
        pytest.param(b"Basic a\0b", "400 head_malformed", id="NUL"),
        pytest.param(b"Basic a\rb", "400 head_malformed", id="a bare CR"),
    ],
)
def test_a_broken_login_is_refused_and_the_gate_goes_on(login_gate: LoginGate, value: bytes, expected: str) -> None:
    assert outcome(say(login_gate, value)[0]) == expected
    assert outcome(say(login_gate, basic(), source=ELSEWHERE)[0]).startswith("200")


def test_any_other_bytes_are_refused_and_no_fault_is_logged(login_gate: LoginGate) -> None:
    rng = random.Random(407)
    login = digest(challenge(login_gate), password="x").encode()
    for _ in range(300):
        value = bytearray(rng.choice([login, basic(password="x").encode(), b"Digest ", b""]))
        for _ in range(rng.randrange(1, 8)):
            place = rng.randrange(len(value) + 1)
            value[place : place + rng.randrange(4)] = rng.randbytes(rng.randrange(6)).replace(b"\n", b"")
        answer, _ = say(login_gate, bytes(value))
        assert answer.status in {400, 407, 429}
    login_gate.gate.stop()

    assert not [line for line in login_gate.gate.stderr if "ERROR" in line or "Traceback" in line]


# Secrets in logs


def test_nothing_of_a_login_is_in_any_log_or_answer(login_gate: LoginGate, tmp_path: Path) -> None:
    asked = challenge(login_gate)
    right, wrong = digest(asked), digest(asked, password="hush-hush", count=2)
    sent = [
        basic(),
        basic(password="hush-hush"),
        right,
        wrong,
        "Basic hush-hush",
        "Digest hush-hush=hush-hush",
        "hush-hush",
    ]
    said = [say(login_gate, value)[1] for value in sent]
    said.append(say(login_gate, basic(), basic(password="hush-hush"))[1])
    with dial(login_gate) as connection:
        connection.sendall(LEAST + b"Proxy-Authorization : Basic hush-hush\r\n\r\n")
        said.append(read_to_break(connection).decode())
    with dial(login_gate) as connection:
        connection.sendall(b"CONNECT cucm:hush-hush@tools.cisco.com:443 HTTP/1.1\r\n\r\n")
        said.append(read_to_break(connection).decode())
    with dial(login_gate) as connection:
        connection.sendall(b"GET http://cucm:hush-hush@tools.cisco.com/ HTTP/1.1\r\n\r\n")
        said.append(read_to_break(connection).decode())
    login_gate.gate.stop()

    log = (tmp_path / "access.jsonl").read_text()
    everything = "\n".join([log, *login_gate.gate.stderr, login_gate.gate.stdout.read_text(), *said])
    secrets = ["hush-hush", PASSWORD, basic()[6:], basic(password="hush-hush")[6:]]
    secrets += [parameters(login)["response"] for login in (right, wrong)]
    secrets += [line.rpartition(":")[2] for line in htdigest_lines().split()]
    secrets += [(tmp_path / "users.htpasswd").read_text().strip().partition(":")[2]]
    assert [secret for secret in secrets if secret in everything] == []
    assert log.count(f'"user":"{USER}"') >= 4, "who it was is told"


def test_a_changed_password_applies_after_a_reload(login_gate: LoginGate, tmp_path: Path) -> None:
    assert outcome(say(login_gate, basic())[0]).startswith("200")
    files = (tmp_path / "users.htpasswd", tmp_path / "users.htdigest")
    done = run(COMMAND, "passwd", *files, "--add", USER, "--stdin", stdin=b"another")
    assert done.returncode == 0, done.stderr

    login_gate.gate.send(signal.SIGHUP)
    login_gate.gate.await_line("reload requested by SIGHUP")

    assert outcome(say(login_gate, basic())[0]) == "407 login_refused"
    assert outcome(say(login_gate, basic(password="another"))[0]).startswith("200")
    assert outcome(say(login_gate, digest(challenge(login_gate), password="another"))[0]).startswith("200")


def test_tls_by_name_is_denied_where_a_login_is_required_whatever_the_name(login_gate: LoginGate) -> None:
    context = ssl.create_default_context()
    for name in ("tools.cisco.com", "webex.example"):
        with dial(login_gate) as connection, pytest.raises(ssl.SSLError, match="ACCESS_DENIED"):
            context.wrap_socket(connection, server_hostname=name)

    assert [record["outcome"] for record in login_gate.gate.records(2)] == ["login_impossible"] * 2
    assert not login_gate.standin.connections
