"""Negotiate: squid as the parent, with MIT's KDC, and tickets from every source."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import squid
from support.gate import Gate
from support.gate_with_parents import assert_posted_through, parent_gate_settings
from support.kerberos import PARENT, PASSWORD, REALM, USER, Kdc, require_gssapi
from support.licensing_exchange import TARGET
from support.squid import Squid
from support.standin import StandIn
from support.upstream import closed_port

Post = Callable[[Gate], subprocess.CompletedProcess[str]]


@pytest.fixture
def kdc() -> Iterator[Kdc]:
    require_gssapi()
    with Kdc() as running:
        yield running


@pytest.fixture
def parent(kdc: Kdc, standin: StandIn) -> Iterator[Squid]:
    """A squid that accepts only tickets."""
    with parent_of(kdc, standin) as running:
        yield running


def parent_of(kdc: Kdc, standin: StandIn) -> Squid:
    program = f"{squid.helper('negotiate_kerberos_auth')} -k {kdc.service_keytab} -s HTTP/{PARENT}"
    return Squid(standin.port, squid.checked_by("negotiate", program), environment=kdc.environment)


def gate_through(folder: Path, kdc: Kdc, port: int, login: str) -> Gate:
    """A gate whose parent has the name in the service's keytab."""
    to = f"{PARENT}:{port}:127.0.0.1:{port}"
    return Gate(
        folder, parent_gate_settings(f"http://{PARENT}:{port}\n{login}", connect_to=(to,)), environment=kdc.environment
    )


@pytest.mark.parametrize("auth", ["negotiate", "auto"])
@pytest.mark.parametrize("source", ["keytab", "keytab of one", "password", "ticket cache", "the environment's cache"])
def test_tickets_come_from_a_keytab_a_password_or_a_cache(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, parent: Squid, source: str, auth: str
) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    login = {
        "keytab": f"username = '{USER}'\nkeytab = '{kdc.keytab}'",
        "keytab of one": f"keytab = '{kdc.keytab}'",
        "password": f"username = '{USER}@{REALM}'\npassword_file = 'parent.secret'",
        "ticket cache": f"ticket_cache = '{kdc.log_in()}'",
        "the environment's cache": "",
    }[source]
    if not login:
        kdc.log_in()
        auth = "negotiate"
    with gate_through(tmp_path, kdc, parent.port, f"auth = '{auth}'\n{login}") as gate:
        done = post(gate)

        assert done.returncode == 0, done.stderr
        assert_posted_through(gate, standin, login="negotiate")
        asked = [(200, TARGET, f"{USER}@{REALM}")]
        if auth == "auto":
            asked.insert(0, (407, TARGET, "-"))
        assert parent.requests(len(asked)) == asked


def test_a_ticket_is_fetched_again_when_it_expires(tmp_path: Path, post: Post, standin: StandIn) -> None:
    require_gssapi()
    for seconds, fetched in ((3600, 1), (30, 3)):  # a ticket that expires within a minute counts as expired
        with (
            Kdc(seconds) as kdc,
            parent_of(kdc, standin) as parent,
            gate_through(tmp_path, kdc, parent.port, f"auth = 'negotiate'\nkeytab = '{kdc.keytab}'") as gate,
        ):
            before = kdc.granted
            for _ in range(3):
                assert post(gate).returncode == 0
            assert kdc.granted - before == fetched


@pytest.mark.parametrize("source", ["keytab", "password"])
def test_a_ticket_rejected_by_the_parent_is_fetched_again(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, source: str
) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    login = (
        f"keytab = '{kdc.keytab}'" if source == "keytab" else f"username = '{USER}'\npassword_file = 'parent.secret'"
    )
    port = closed_port()
    with gate_through(tmp_path, kdc, port, f"auth = 'negotiate'\n{login}") as gate:
        for number in (1, 2):
            with parent_at(port, kdc, standin) as parent:
                assert post(gate).returncode == 0
                answered = [status for status, _, _ in parent.requests(number)]
            kdc.replace_service_key()
        assert answered == [407, 200]


def parent_at(port: int, kdc: Kdc, standin: StandIn) -> Squid:
    program = f"{squid.helper('negotiate_kerberos_auth')} -k {kdc.service_keytab} -s HTTP/{PARENT}"
    return Squid(standin.port, squid.checked_by("negotiate", program), port=port, environment=kdc.environment)


def test_a_wrong_password_is_sent_to_the_kdc_once(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, parent: Squid
) -> None:
    secret = tmp_path / "parent.secret"
    secret.write_text("wrong")
    login = f"auth = 'negotiate'\nusername = '{USER}'\npassword_file = 'parent.secret'"
    with gate_through(tmp_path, kdc, parent.port, login) as gate:
        for _ in range(3):
            assert post(gate).stdout.startswith("HTTP/1.1 502 parent_login_refused: ")
        assert kdc.wrong_passwords == 1
        assert parent.requests() == []
        secret.write_text(PASSWORD)
        assert post(gate).returncode == 0


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("ticket_cache = 'FILE:/nowhere/cache'", "No credentials cache found"),
        ("username = 'nobody'\npassword_file = 'parent.secret'", "not found in Kerberos database"),
        ("username = 'user@ELSEWHERE.EXAMPLE'\npassword_file = 'parent.secret'", "Cannot find KDC"),
    ],
    ids=["no cache", "no such user", "no such realm"],
)
def test_a_login_without_a_ticket_says_why(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, parent: Squid, login: str, words: str
) -> None:
    (tmp_path / "parent.secret").write_text(PASSWORD)
    with gate_through(tmp_path, kdc, parent.port, f"auth = 'negotiate'\n{login}") as gate:
        answer = post(gate).stdout

        assert answer.startswith("HTTP/1.1 502 parent_login_failed: ")
        assert words in answer


def test_an_expired_ticket_in_a_cache_is_reported(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, parent: Squid
) -> None:
    cache = kdc.log_in(seconds=1)
    with gate_through(tmp_path, kdc, parent.port, f"auth = 'negotiate'\nticket_cache = '{cache}'") as gate:
        while "has ended" not in (answer := post(gate).stdout):
            assert answer.startswith(("HTTP/1.1 200", "HTTP/1.1 502 parent_login_"))
        assert answer.startswith("HTTP/1.1 502 parent_login_failed: ")


def test_a_parent_outside_the_realm_is_reported(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc, parent: Squid
) -> None:
    to = f"other.test.example:{parent.port}:127.0.0.1:{parent.port}"
    table = f"http://other.test.example:{parent.port}\nauth = 'negotiate'\nkeytab = '{kdc.keytab}'"
    with Gate(tmp_path, parent_gate_settings(table, connect_to=(to,)), environment=kdc.environment) as gate:
        assert "HTTP/other.test.example@TEST.EXAMPLE not found" in post(gate).stdout


def test_auto_falls_back_to_another_scheme_without_a_ticket(
    tmp_path: Path, post: Post, standin: StandIn, kdc: Kdc
) -> None:
    (tmp_path / "parent.secret").write_text(squid.PASSWORD)

    def both(folder: Path) -> tuple[str, ...]:
        program = f"{squid.helper('negotiate_kerberos_auth')} -k {kdc.service_keytab} -s HTTP/{PARENT}"
        return (*squid.checked_by("negotiate", program)(folder)[:2], *squid.basic(folder))

    with Squid(standin.port, both, environment=kdc.environment) as parent:
        login = f"username = '{squid.USER}@elsewhere'\npassword_file = 'parent.secret'"
        users = parent.folder / "squid-users"
        users.write_text(users.read_text().replace(squid.USER, f"{squid.USER}@elsewhere"))
        with gate_through(tmp_path, kdc, parent.port, login) as gate:
            assert post(gate).returncode == 0
            assert_posted_through(gate, standin, login="basic")
