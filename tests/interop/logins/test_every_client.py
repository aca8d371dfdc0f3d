"""Every client logs in by a scheme that it supports; otherwise its records differ from those of a wrong password.

curl, openssl, Node and Python's clients send Basic without being asked. Java's HttpsURLConnection and Apache HttpClient
wait to be asked, and take the last Digest; stock Java sends no Basic for a tunnel, and java.net.http no Digest at all.
"""

import re

import pytest

from support.client_program import Client
from support.clients import CLIENTS
from support.java import JAVA_CLIENTS
from support.login_gate import ListenerSchemes, LoginGate
from support.logins import USER

ASKED = ("", "missing")
BY_BASIC, BY_MD5, BY_SHA_256 = ("basic", "accepted"), ("digest-md5", "accepted"), ("digest-sha-256", "accepted")

NOT_NET_HTTP = [client for client in CLIENTS if "NetHttp" not in client.name]
NET_HTTP = [client for client in CLIENTS if "NetHttp" in client.name]
URL_CONNECTIONS = [client for client in JAVA_CLIENTS if "UrlConnection" in client.name]


def waits_to_be_asked(client: Client) -> bool:
    return client in JAVA_CLIENTS


def got_through(shown: str) -> bool:
    return '"stand_in": true' in shown


@pytest.mark.parametrize("client", NOT_NET_HTTP, ids=str)
def test_a_client_logs_in_by_its_strongest_scheme(login_gate: LoginGate, client: Client) -> None:
    shown = login_gate.post(client, login_gate.proxy())

    assert got_through(shown), shown
    asked = [ASKED] if waits_to_be_asked(client) else []
    *before, login = login_gate.logins(len(asked) + 1)
    assert before == asked
    assert login == (BY_SHA_256 if waits_to_be_asked(client) else BY_BASIC)
    record = login_gate.gate.records()[-1]
    assert (record["user"], record["status"]) == (USER, 200)


@pytest.mark.parametrize("client", NOT_NET_HTTP, ids=str)
def test_a_wrong_password_is_shown_with_its_reason(fresh: LoginGate, client: Client) -> None:
    shown = fresh.post(client, fresh.proxy(password="wrong"))

    assert not got_through(shown)
    results = [result for _, result in fresh.all_logins()]
    assert "wrong_password" in results
    last = fresh.gate.records()[-1]
    found = re.search(client.refusal, shown)
    assert found, shown
    assert " ".join(found.groups()).startswith(f"{last['status']} {last['outcome']}")
    assert not fresh.standin.connections
    assert "login failed: client 127.0.0.1 " in "\n".join(fresh.gate.stderr)


@pytest.mark.parametrize("client", URL_CONNECTIONS, ids=str)
def test_the_wait_ends_javas_repeated_wrong_logins(fresh: LoginGate, client: Client) -> None:
    """HttpsURLConnection asks its Authenticator again after each 407, up to twenty times."""
    shown = fresh.post(client, fresh.proxy(password="wrong"))

    assert "429 login_limited: Too many logins of 127.0.0.1 were wrong" in shown
    results = [result for _, result in fresh.all_logins()]
    assert results == ["missing", *["wrong_password"] * 4, "limited"]


@pytest.mark.parametrize("client", [client for client in NOT_NET_HTTP if client not in URL_CONNECTIONS], ids=str)
def test_all_clients_but_stock_java_log_in_where_only_basic_is_offered(login_gate: LoginGate, client: Client) -> None:
    shown = login_gate.post(client, login_gate.proxy(offers=ListenerSchemes.BASIC))

    assert got_through(shown), shown
    asked = [ASKED] if waits_to_be_asked(client) else []
    assert login_gate.logins(len(asked) + 1) == [*asked, BY_BASIC]


@pytest.mark.parametrize("client", [*URL_CONNECTIONS, *NET_HTTP], ids=str)
def test_stock_java_sends_no_basic_and_looks_like_it_cannot_log_in(fresh: LoginGate, client: Client) -> None:
    shown = fresh.post(client, fresh.proxy(offers=ListenerSchemes.BASIC))

    assert "407" in shown
    assert fresh.all_logins() == [ASKED]


@pytest.mark.parametrize("client", NET_HTTP, ids=str)
def test_java_net_http_sends_no_digest(fresh: LoginGate, client: Client) -> None:
    assert "407" in fresh.post(client, fresh.proxy())
    assert fresh.all_logins() == [ASKED]


@pytest.mark.parametrize("client", JAVA_CLIENTS, ids=str)
def test_java_refuses_md5_alone_from_release_18_on(login_gate: LoginGate, client: Client) -> None:
    """Apache HttpClient brings a Digest of its own, and takes MD5 on any release."""
    shown = login_gate.post(client, login_gate.proxy(offers=ListenerSchemes.MD5))

    old = "java11" in client.name or "java17" in client.name
    if "ApacheHttp" in client.name or ("UrlConnection" in client.name and old):
        assert got_through(shown), shown
        assert login_gate.logins(2) == [ASKED, BY_MD5]
    else:
        assert "407" in shown
        assert login_gate.logins(1) == [ASKED]


@pytest.mark.parametrize("client", NOT_NET_HTTP, ids=str)
def test_a_client_without_a_login_shows_the_remedy(login_gate: LoginGate, client: Client) -> None:
    shown = login_gate.post(client, login_gate.proxy(login=False))

    assert "407" in shown
    assert "must log in" in shown
    assert login_gate.logins(1) == [ASKED]
