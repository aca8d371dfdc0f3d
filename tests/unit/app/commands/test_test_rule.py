from pathlib import Path

import pytest

from licensegate.allowlist.clients import Identity
from licensegate.app.commands.test_rule import RuleTest, RuleTestError, judge
from licensegate.app.settings import Settings, load
from licensegate.language.language import JAPANESE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "gate.toml"
    path.write_text(
        "[clients]\nnetworks = ['10.0.0.0/8']\n[[allowlist.rule]]\nhost = '*.example.net'\nprivate = true\n"
    )
    return load(path, {})


@pytest.mark.parametrize(
    ("client", "target", "network", "rule"),
    [
        pytest.param(
            "10.1.2.3", "tools.cisco.com:443", "10.0.0.0/8", "tools.cisco.com:443 (preset cisco-licensing)", id="preset"
        ),
        pytest.param(
            "::ffff:10.1.2.3", "ssm.example.net:443", "10.0.0.0/8", "*.example.net:443", id="rule of one's own"
        ),
    ],
)
def test_an_allowed_target_is_shown_with_network_and_rule(
    settings: Settings, client: str, target: str, network: str, rule: str
) -> None:
    verdict = judge(settings, client, target)

    assert verdict.allowed
    host = target.removesuffix(":443")
    unseen = f"the addresses of {host}, the connection to {target}, the limits of connections"
    assert verdict.text == (
        f"allowed\nclient  {client} is in {network}\ntarget  {target} by {rule}\n"
        f"not looked at: {unseen}, what the client sends through the tunnel"
    )


@pytest.mark.parametrize(
    ("client", "target", "outcome", "words"),
    [
        pytest.param("11.1.2.3", "tools.cisco.com:443", "client_not_allowed", "11.1.2.3 is not in the", id="client"),
        pytest.param("11.1.2.3", "https://x/", "client_not_allowed", "11.1.2.3 is not in", id="client before target"),
        pytest.param("10.1.2.3", "example.net:443", "target_not_allowed", "example.net:443 is not in", id="target"),
        pytest.param(
            "10.1.2.3", "192.0.2.1:443", "target_is_address", "the allowlist works by host name", id="address"
        ),
        pytest.param("10.1.2.3", "tools.cisco.com:80", "target_port_not_allowed", "on port 443", id="port"),
        pytest.param("10.1.2.3", "smartreceiver.cisco.com:443", "target_in_preset", "smart-transport", id="preset"),
    ],
)
def test_a_refusal_is_shown_in_the_gates_own_words(
    settings: Settings, client: str, target: str, outcome: str, words: str
) -> None:
    verdict = judge(settings, client, target)

    assert not verdict.allowed
    assert verdict.text.startswith(f"refused: {outcome} (403)\n")
    assert words in verdict.text


@pytest.mark.parametrize(
    ("client", "target", "words"),
    [
        pytest.param("cucm", "tools.cisco.com:443", "'cucm' is not an IP address", id="client by name"),
        pytest.param("10.0.0.0/8", "a.example:443", "'10.0.0.0/8' is not an IP address", id="network"),
        pytest.param("10.1.2.3", "tools.cisco.com", "target_malformed: ", id="no port"),
        pytest.param("10.1.2.3", "", "head_malformed: ", id="no target"),
        pytest.param("10.1.2.3", "https://tools.cisco.com/", "target_is_url: ", id="URL"),
        pytest.param("10.1.2.3", "b\u00fccher.example:443", "target_malformed: ", id="not ASCII"),
        pytest.param("10.1.2.3", "\udcff:443", "target_malformed: ", id="not even text"),
        pytest.param("10.1.2.3", "a.example:443 HTTP/1.1\r\n\r\n", "it contains a blank", id="more than a target"),
        pytest.param("10.1.2.3", "a" * 20_000, "request_line_too_long: ", id="endless"),
    ],
)
def test_invalid_client_or_target_is_an_error(settings: Settings, client: str, target: str, words: str) -> None:
    with pytest.raises(RuleTestError) as raised:
        judge(settings, client, target)

    assert words in str(raised.value)


LOGINS = """
[auth]
required = true
htpasswd = "users.htpasswd"
trusted_networks = ["10.9.9.9"]
[[allowlist.rule]]
host = "api.cisco.com"
users = ["satellite"]
networks = ["10.2.0.0/16"]
[[allowlist.rule]]
host = "ssm.example.net"
certificates = ["cucm-pub"]
"""


@pytest.mark.parametrize(
    ("client", "target", "identity", "said"),
    [
        pytest.param("10.1.2.3", "tools.cisco.com", Identity(), "refused: login_required (407)", id="no login"),
        pytest.param("10.1.2.3", "evil.example", Identity(), "refused: login_required (407)", id="nor for another"),
        pytest.param("10.9.9.9", "tools.cisco.com", Identity(), "allowed", id="trusted"),
        pytest.param("10.1.2.3", "tools.cisco.com", Identity("anybody"), "allowed", id="logged in"),
        pytest.param("10.2.0.1", "api.cisco.com", Identity("satellite"), "allowed", id="the rule's user"),
        pytest.param(
            "10.2.0.1", "api.cisco.com", Identity("cucm"), "refused: target_not_for_client (403)", id="another user"
        ),
        pytest.param(
            "10.1.2.3",
            "api.cisco.com",
            Identity("satellite"),
            "refused: target_not_for_client (403)",
            id="from outside",
        ),
        pytest.param(
            "10.1.2.3", "ssm.example.net", Identity("", ("CUCM-pub",)), "allowed", id="the rule's certificate"
        ),
    ],
)
def test_logins_are_decided_without_the_files_of_users(
    tmp_path: Path, client: str, target: str, identity: Identity, said: str
) -> None:
    (tmp_path / "users.htpasswd").write_text("this is not looked at")
    path = tmp_path / "gate.toml"
    path.write_text(LOGINS)

    assert judge(load(path, {}), client, f"{target}:443", identity).text.startswith(f"{said}\n")


ADDRESSES = """
[[listen]]
address = "127.0.0.1:3128"
[[allowlist.rule]]
host = "10.1.1.1"
[[allowlist.rule]]
host = "10.1.1.2"
private = true
[[allowlist.rule]]
host = "127.0.0.1"
port = 3128
private = true
[[allowlist.rule]]
host = "9.9.9.9"
[dial]
connect_to = ["tools.cisco.com:443:127.0.0.1:3128", "api.cisco.com:443:10.1.1.3:8443"]
"""
PARENT = """
[[parent]]
url = "http://127.0.0.1:8888"
target = "{target}"
"""


def judge_address(tmp_path: Path, target: str, more: str = "") -> RuleTest:
    path = tmp_path / "gate.toml"
    path.write_text(ADDRESSES + more)
    return judge(load(path, {}), "127.0.0.9", target)


@pytest.mark.parametrize(
    ("target", "said", "word"),
    [
        pytest.param("10.1.1.1:443", "destination_ip_prohibited (502)", "private = true", id="private address"),
        pytest.param("127.0.0.1:3128", "target_is_gate (502)", "127.0.0.1", id="the gate"),
        pytest.param("tools.cisco.com:443", "target_is_gate (502)", "127.0.0.1", id="the gate by connect_to"),
    ],
)
def test_an_address_that_may_not_be_dialled_is_refused_as_the_gate_does(
    tmp_path: Path, target: str, said: str, word: str
) -> None:
    verdict = judge_address(tmp_path, target)

    assert not verdict.allowed
    assert verdict.text.startswith(f"refused: {said}\n")
    assert word in verdict.text


@pytest.mark.parametrize(
    ("target", "dialled"),
    [
        pytest.param("10.1.1.2:443", "10.1.1.2:443", id="private by its rule"),
        pytest.param("9.9.9.9:443", "9.9.9.9:443", id="public"),
        pytest.param("api.cisco.com:443", "10.1.1.3:8443", id="named by connect_to"),
    ],
)
def test_an_address_that_may_be_dialled_is_allowed_unseen(tmp_path: Path, target: str, dialled: str) -> None:
    verdict = judge_address(tmp_path, target)

    assert verdict.allowed
    assert f"\nnot looked at: the connection to {dialled}, the limits" in verdict.text


@pytest.mark.parametrize(
    ("asked_for", "allowed"),
    [
        pytest.param("name", True, id="passed on"),
        pytest.param("checked", False, id="checked before"),
        pytest.param("address", False, id="looked up before"),
    ],
)
def test_with_a_parent_an_address_is_judged_as_the_gate_judges_it(
    tmp_path: Path, asked_for: str, allowed: bool
) -> None:
    verdict = judge_address(tmp_path, "10.1.1.1:443", PARENT.format(target=asked_for))

    assert verdict.allowed is allowed
    assert allowed == ("not looked at: the parent proxy http://127.0.0.1:8888, the limits" in verdict.text)


@pytest.mark.parametrize(("asked_for", "looked_up"), [("name", False), ("checked", True)])
def test_a_name_is_looked_up_unless_the_parent_does_that(tmp_path: Path, asked_for: str, looked_up: bool) -> None:
    verdict = judge_address(tmp_path, "cloudsso.cisco.com:443", PARENT.format(target=asked_for))

    assert looked_up == ("not looked at: the addresses of cloudsso.cisco.com, the parent proxy" in verdict.text)


GATE_AS_PARENT = '[[parent]]\nurl = "http://127.0.0.1:3128"\n'
OTHER_PARENT = '[[parent]]\nurl = "http://proxy.example.net:8080"\n'


@pytest.mark.parametrize(
    ("parents", "said"),
    [
        pytest.param(GATE_AS_PARENT, "parent_is_gate (502)\n", id="the only one"),
        pytest.param(
            f'{GATE_AS_PARENT}[[parent]]\nurl = "http://127.0.0.1:9130"\n',
            "parents_exhausted (502)\n",
            id="each of two",
        ),
    ],
)
def test_a_parent_that_is_the_gate_itself_is_refused(tmp_path: Path, parents: str, said: str) -> None:
    verdict = judge_address(tmp_path, "cloudsso.cisco.com:443", parents)

    assert verdict.text.startswith(f"refused: {said}")
    assert "parent" in verdict.text
    assert not verdict.allowed


@pytest.mark.parametrize(
    ("more", "unseen"),
    [
        pytest.param(OTHER_PARENT, "the parent proxy http://proxy.example.net:8080", id="another parent"),
        pytest.param('[[parent]]\nurl = "direct"\n', "the direct connection", id="the direct way"),
    ],
)
def test_every_way_to_the_target_is_named_as_not_looked_at(tmp_path: Path, more: str, unseen: str) -> None:
    verdict = judge_address(tmp_path, "cloudsso.cisco.com:443", GATE_AS_PARENT + more)

    assert verdict.allowed
    assert f"the parent proxy http://127.0.0.1:3128 or {unseen}, the limits" in verdict.text


def test_the_decision_is_said_in_the_readers_language() -> None:
    settings = load(None, {})
    allowed = judge(settings, "10.1.2.3", "tools.cisco.com:443").in_words(JAPANESE).split("\n")
    assert allowed[:2] == ["許可", "クライアント：10.1.2.3は10.0.0.0/8に含まれます"]
    assert allowed[2].startswith("接続先：tools.cisco.com:443はルール")
    unseen = "tools.cisco.comのアドレス, tools.cisco.com:443への接続, 接続数の上限"
    assert allowed[3] == f"未確認：{unseen}, クライアントがトンネルで送信する内容"
    refused = judge(settings, "10.1.2.3", "example.com:443").in_words(JAPANESE)
    assert refused.startswith("拒否：target_not_allowed（403）\nexample.com:443は許可リストにありません。\n製品に")
