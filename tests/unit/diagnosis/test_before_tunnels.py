"""Findings about connections that never became a tunnel: requests, logins, names, parents."""

from typing import Any

import pytest

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, LoginResult
from support.diagnosed import PRESET, found, refused

JAVA_17, JAVA_21, JAVA_8 = "Java/17.0.15", "Java/21.0.8", "Java/1.8.0_402"
ALL = ("digest-md5", "digest-sha-256", "basic")

V6, V4 = "2001:db8::1", "192.0.2.1"


@pytest.mark.parametrize(
    ("outcome", "fields", "code"),
    [
        pytest.param(Outcome.METHOD_NOT_ALLOWED, {"method": "POST", "requested": "/"}, "gateway_mode", id="a post"),
        pytest.param(Outcome.METHOD_NOT_ALLOWED, {"method": "PUT", "requested": "/x"}, "gateway_mode", id="a put"),
        pytest.param(Outcome.METHOD_NOT_ALLOWED, {"method": "GET", "requested": "/"}, "not_a_proxy_request", id="page"),
        pytest.param(
            Outcome.METHOD_NOT_ALLOWED, {"method": "OPTIONS", "requested": "*"}, "not_a_proxy_request", id="options"
        ),
        pytest.param(
            Outcome.METHOD_NOT_ALLOWED,
            {"method": "GET", "requested": "ftp://a/"},
            "method_not_allowed",
            id="another URL",
        ),
        pytest.param(Outcome.GATE_IS_NO_GATEWAY, {"method": "POST"}, "gateway_mode", id="a gateway's path"),
        pytest.param(Outcome.HTTP_WITHOUT_TUNNEL, {}, "http_url", id="http URL"),
        pytest.param(Outcome.HTTPS_WITHOUT_TUNNEL, {}, "https_without_connect", id="https URL"),
        pytest.param(
            Outcome.GATE_CERTIFICATE_REJECTED, {"server_name": "gate.example"}, "tls_to_proxy_untrusted", id="a name"
        ),
        pytest.param(Outcome.GATE_CERTIFICATE_REJECTED, {}, "tls_to_proxy_untrusted", id="no name on a proxy port"),
        pytest.param(
            Outcome.GATE_CERTIFICATE_REJECTED, {"listener": "[::]:443"}, "direct_without_sni", id="no name on 443"
        ),
        pytest.param(Outcome.CLIENT_NOT_ALLOWED, {}, "source_not_allowed", id="network"),
        pytest.param(Outcome.DRAINING, {}, "gate_draining", id="draining"),
        pytest.param(Outcome.CROWDED_OUT, {}, "gate_full", id="crowded out"),
        pytest.param(Outcome.CLIENT_CROWDED_OUT, {}, "client_full", id="crowded out by itself"),
        pytest.param(Outcome.CUT_BEFORE_TUNNEL, {}, "gate_stopped", id="stopped"),
    ],
)
def test_a_request_is_explained_by_what_it_asks_for(outcome: Outcome, fields: dict[str, Any], code: str) -> None:
    assert found(refused(outcome, "alert 48", **fields))[0] == code


@pytest.mark.parametrize(
    ("outcome", "fields", "code"),
    [
        (Outcome.HELLO_TIMEOUT, {"hello_bytes": 1400, "hello_size": 1800}, ("hello_stalled", "likely")),
        (Outcome.HELLO_TIMEOUT, {}, ("client_silent", "likely")),
        (Outcome.INNER_HELLO_TIMEOUT, {"hello_bytes": 1400, "hello_size": 1800}, ("hello_stalled", "likely")),
        (Outcome.INNER_HELLO_TIMEOUT, {}, ("client_silent", "likely")),
        (Outcome.CLIENT_LEFT_IN_INNER_HELLO, {"total_ms": 5.0}, ("client_left", "likely")),
        (Outcome.CLIENT_LEFT_IN_INNER_HELLO, {}, ("client_silent", "possible")),
        (Outcome.CLIENT_LEFT_IN_HELLO, {"hello_bytes": 1400, "hello_size": 1800}, ("hello_stalled", "likely")),
        (Outcome.CLIENT_LEFT_IN_HELLO, {"total_ms": 5.0}, ("client_left", "likely")),
        (Outcome.HEAD_TIMEOUT, {"client_read": 30}, ("head_stalled", "likely")),
        (Outcome.CLIENT_LEFT_IN_HEAD, {"client_read": 30}, ("head_stalled", "likely")),
        (Outcome.CLIENT_LEFT_IN_HEAD, {"total_ms": 5.0}, ("client_left", "likely")),
    ],
)
def test_a_part_of_a_message_is_told_from_none(outcome: Outcome, fields: dict[str, Any], code: tuple[str, str]) -> None:
    assert found(refused(outcome, **({"total_ms": 10_000.0} | fields))) == code


def test_a_stalled_hello_says_how_much_of_it_arrived() -> None:
    finding = Diagnosis().explain(refused(Outcome.INNER_HELLO_TIMEOUT, hello_bytes=1400, hello_size=1812))

    assert finding is not None
    assert finding.evidence == "1400 of the 1812 bytes of its ClientHello arrived"


@pytest.mark.parametrize(
    ("user_agent", "offered", "code"),
    [
        pytest.param("curl/8.5.0", ALL, "login_not_sent", id="no Java"),
        pytest.param(JAVA_17, ALL, "login_not_sent", id="Java, all offered"),
        pytest.param(JAVA_17, ("basic",), "java_refuses_basic", id="Java, Basic alone"),
        pytest.param(JAVA_8, ("basic",), "java_refuses_basic", id="Java 8, Basic alone"),
        pytest.param(JAVA_17, ("digest-md5",), "login_not_sent", id="Java 17, MD5 alone"),
        pytest.param(JAVA_21, ("digest-md5",), "java_refuses_md5", id="Java 21, MD5 alone"),
        pytest.param(JAVA_21, ("digest-md5", "basic"), "java_refuses_md5", id="Java 21, MD5 and Basic"),
        pytest.param(JAVA_21, ALL, "login_not_sent", id="Java 21, all offered"),
        pytest.param("Java-http-client/21.0.8", ("digest-sha-256",), "java_refuses_basic", id="java.net.http"),
        pytest.param("Apache-HttpClient/4.5.14 (Java/21.0.8)", ("basic",), "login_not_sent", id="HttpClient"),
        pytest.param(JAVA_21, (), "login_not_sent", id="unknown offers"),
    ],
)
def test_a_missing_login_depends_on_program_and_offers(user_agent: str, offered: tuple[str, ...], code: str) -> None:
    made = refused(Outcome.LOGIN_UNANSWERED, login_unanswered=2, user_agent=user_agent, login_offered=offered)

    assert found(made) == (code, "likely")


def test_the_first_request_without_a_login_proves_little() -> None:
    asked = refused(Outcome.LOGIN_REQUIRED, user_agent=JAVA_17, login_offered=ALL)

    assert found(asked) == ("login_not_sent", "possible")


def test_a_client_that_has_logged_in_is_only_asked_again() -> None:
    before = refused(Outcome.TARGET_NOT_ALLOWED, login_result=LoginResult.ACCEPTED)

    assert found(refused(Outcome.LOGIN_REQUIRED), before=(before,)) == ("", "")


@pytest.mark.parametrize(
    ("outcome", "addresses", "preset", "code"),
    [
        (Outcome.DESTINATION_IP_PROHIBITED, ["0.0.0.0"], PRESET, "dns_sinkhole"),
        (Outcome.DESTINATION_IP_PROHIBITED, ["10.9.9.9"], PRESET, "dns_sinkhole"),
        (Outcome.DESTINATION_IP_PROHIBITED, ["127.0.0.1"], "", "dns_sinkhole"),
        (Outcome.DESTINATION_IP_PROHIBITED, ["10.9.9.9"], "", "private_not_allowed"),
        (Outcome.TARGET_IS_GATE, ["127.0.0.1", "::1"], PRESET, "dns_sinkhole"),
        (Outcome.TARGET_IS_GATE, ["10.1.2.1"], PRESET, "target_is_gate"),
        (Outcome.DNS_EMPTY, [], PRESET, "dns_empty"),
        (Outcome.DNS_NOT_FOUND, [], PRESET, "dns_not_found"),
    ],
)
def test_a_filters_answer_is_told_from_a_server_of_ones_own(
    outcome: Outcome, addresses: list[str], preset: str, code: str
) -> None:
    assert found(refused(outcome, addresses=addresses, preset=preset))[0] == code


def test_a_client_that_leaves_a_long_dial_is_impatient() -> None:
    tried = [DialAttempt(V6, 4000.0, "ECANCELED")]

    assert found(refused(Outcome.CLIENT_LEFT_IN_DIAL, total_ms=5000.0, attempts=tried))[0] == "client_impatient"
    assert found(refused(Outcome.CLIENT_LEFT_IN_DIAL, total_ms=9.0))[0] == "client_left"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"parent_status": 302, "parent_location": "login.example"}, ("parent_portal", "certain")),
        ({"parent_status": 307}, ("parent_portal", "likely")),
        ({"parent_status": 511}, ("parent_portal", "likely")),
        ({"parent_status": 405}, ("parent_not_a_proxy", "likely")),
        ({"parent_status": 501}, ("parent_not_a_proxy", "likely")),
        ({"parent_status": 403}, ("parent_refused", "certain")),
    ],
)
def test_a_portal_or_a_web_server_in_a_parents_place_is_named(fields: dict[str, Any], code: tuple[str, str]) -> None:
    assert found(refused(Outcome.PARENT_REFUSED, "proxy.example, 302", **fields)) == code
