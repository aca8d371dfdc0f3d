"""Every reason has an outcome."""

import pytest

from licensegate.allowlist.policy import Reason
from licensegate.allowlist.target import TargetFault
from licensegate.proxy.auth.result import Rejected
from licensegate.proxy.protocol.refusals import (
    FOR_LEAVING_IN,
    FOR_PROTOCOL,
    FOR_TARGET,
    for_login,
    for_other_method,
    for_reason,
)
from licensegate.proxy.protocol.states import State
from licensegate.proxy.wire.protocol_detection import ClientProtocol
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import LoginResult

OUTCOME_OF = {
    Reason.NO_RULE: Outcome.TARGET_NOT_ALLOWED,
    Reason.IN_PRESET: Outcome.TARGET_IN_PRESET,
    Reason.OTHER_PORT: Outcome.TARGET_PORT_NOT_ALLOWED,
    Reason.ADDRESS: Outcome.TARGET_IS_ADDRESS,
    Reason.OTHER_CLIENT: Outcome.TARGET_NOT_FOR_CLIENT,
    Reason.LOGIN_LACKING: Outcome.TARGET_NOT_FOR_CLIENT,
}
BY_TLS = OUTCOME_OF | {
    Reason.NO_RULE: Outcome.SERVER_NAME_NOT_ALLOWED,
    Reason.LOGIN_LACKING: Outcome.LOGIN_IMPOSSIBLE,
}
every_reason = pytest.mark.parametrize("reason", [it for it in Reason if it is not Reason.RULE], ids=str)


@every_reason
def test_every_reason_of_the_allowlist_has_its_own_outcome(reason: Reason) -> None:
    assert for_reason(reason, ClientProtocol.HTTP) is OUTCOME_OF[reason]


@every_reason
def test_a_refused_tls_server_name_has_its_own_outcome(reason: Reason) -> None:
    assert for_reason(reason, ClientProtocol.TLS) is BY_TLS[reason]


OF_LOGIN = {
    LoginResult.MISSING: Outcome.CERTIFICATE_REQUIRED,
    LoginResult.WRONG_PASSWORD: Outcome.LOGIN_REFUSED,
    LoginResult.UNKNOWN_USER: Outcome.LOGIN_REFUSED,
    LoginResult.UNUSABLE: Outcome.LOGIN_UNUSABLE,
    LoginResult.NOT_OFFERED: Outcome.LOGIN_UNUSABLE,
    LoginResult.STALE: Outcome.LOGIN_STALE,
    LoginResult.REPLAYED: Outcome.LOGIN_STALE,
    LoginResult.LIMITED: Outcome.LOGIN_LIMITED,
}


@pytest.mark.parametrize(("result", "outcome"), OF_LOGIN.items(), ids=map(str, OF_LOGIN))
def test_every_rejected_login_has_an_outcome(result: LoginResult, outcome: Outcome) -> None:
    assert for_login(Rejected(result)) is outcome


def test_only_rejected_logins_have_a_refusal() -> None:
    elsewhere = {LoginResult.ACCEPTED, LoginResult.NOT_CHECKED, LoginResult.IMPOSSIBLE}

    assert OF_LOGIN.keys() == set(LoginResult) - elsewhere


@pytest.mark.parametrize(
    ("unanswered", "outcome"),
    [(0, Outcome.LOGIN_REQUIRED), (1, Outcome.LOGIN_UNANSWERED), (9, Outcome.LOGIN_UNANSWERED)],
)
def test_an_unanswered_challenge_has_its_own_outcome(unanswered: int, outcome: Outcome) -> None:
    asked = Rejected(LoginResult.MISSING, challenges=("Basic realm=x",), unanswered=unanswered)

    assert for_login(asked) is outcome


def test_only_an_outcome_with_a_challenge_is_answered_407() -> None:
    """RFC 9110 section 15.5.8."""
    asking = {
        Outcome.LOGIN_REQUIRED, Outcome.LOGIN_UNANSWERED, Outcome.LOGIN_REFUSED, Outcome.LOGIN_UNUSABLE,
        Outcome.LOGIN_STALE,
    }  # fmt: skip

    assert {outcome for outcome in Outcome if outcome.status == 407} == asking


def test_every_fault_of_a_target_has_an_outcome() -> None:
    assert {fault: FOR_TARGET[fault].status for fault in TargetFault} == {
        TargetFault.MALFORMED: 400,
        TargetFault.URL: 400,
    }
    assert FOR_TARGET[TargetFault.MALFORMED] is not FOR_TARGET[TargetFault.URL]


def test_every_protocol_is_served_or_has_an_outcome() -> None:
    assert FOR_PROTOCOL.keys() == set(ClientProtocol) - {
        ClientProtocol.UNDECIDED,
        ClientProtocol.HTTP,
        ClientProtocol.TLS,
    }
    assert len(set(FOR_PROTOCOL.values())) == len(FOR_PROTOCOL)


def test_leaving_early_has_an_outcome_in_every_state() -> None:
    assert FOR_LEAVING_IN.keys() == set(State) - {State.RELAYING, State.LINGERING, State.CLOSED}
    assert {outcome.ended_by for outcome in FOR_LEAVING_IN.values()} == {Party.CLIENT}


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        pytest.param(b"/Transportgateway/services/DeviceRequestHandler", Outcome.GATE_IS_NO_GATEWAY, id="gateway"),
        pytest.param(b"/TRANSPORTGATEWAY/", Outcome.GATE_IS_NO_GATEWAY, id="gateway, in capitals"),
        pytest.param(b"/its/service/oddce/services/DDCEService", Outcome.GATE_IS_NO_GATEWAY, id="Call Home"),
        pytest.param(b"/SmartTransport", Outcome.GATE_IS_NO_GATEWAY, id="satellite"),
        pytest.param(b"/licservice/license", Outcome.GATE_IS_NO_GATEWAY, id="Smart Transport"),
        pytest.param(b"/cslu/v1/pi", Outcome.GATE_IS_NO_GATEWAY, id="CSLU"),
        pytest.param(b"http://www.cisco.com/security/pki/trs/ios.p7b", Outcome.HTTP_WITHOUT_TUNNEL, id="http URL"),
        pytest.param(b"HTTP://WWW.CISCO.COM", Outcome.HTTP_WITHOUT_TUNNEL, id="http URL, in capitals"),
        pytest.param(b"https://tools.cisco.com/", Outcome.HTTPS_WITHOUT_TUNNEL, id="https URL"),
        pytest.param(b"http:tools.cisco.com", Outcome.METHOD_NOT_ALLOWED, id="no URL"),
        pytest.param(b"/its/services", Outcome.METHOD_NOT_ALLOWED, id="nearly Call Home"),
        pytest.param(b"/", Outcome.METHOD_NOT_ALLOWED, id="the root"),
        pytest.param(b"*", Outcome.METHOD_NOT_ALLOWED, id="the server itself"),
        pytest.param(b"/\xff", Outcome.METHOD_NOT_ALLOWED, id="no ASCII"),
        pytest.param(b"", Outcome.METHOD_NOT_ALLOWED, id="nothing"),
    ],
)
def test_another_method_is_explained_by_its_target(target: bytes, outcome: Outcome) -> None:
    assert for_other_method(target) is outcome


def test_a_client_that_took_the_gate_for_a_gateway_reads_the_remedy() -> None:
    remedy = Outcome.GATE_IS_NO_GATEWAY.remedy

    assert "License Management" in remedy
    assert "HTTP/HTTPS Proxy" in remedy
    assert "license smart transport proxy" in remedy
