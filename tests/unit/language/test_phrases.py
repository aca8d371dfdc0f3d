"""Texts made in English and read in Japanese: recognised by their messages, in parts and within each other."""

import pytest

from licensegate.language.language import ENGLISH, JAPANESE
from licensegate.language.phrases import reworded

CASES = {
    "a phrase without values": ("it sends no User-Agent", "User-Agentを送信していません"),
    "a phrase with a value": ("it left after 3.2 s", "3.2秒後に切断しました"),
    "several phrases": (
        "it was asked 3 times; offered: basic, digest; it calls itself curl/8.5.0",
        "認証要求は3回です。提示した方式：basic, digest。User-Agentはcurl/8.5.0です",
    ),
    "a phrase within a phrase": (
        "no byte came for 20 s, and then the connection was reset (ECONNRESET)",
        "20秒の間1バイトも届かず、その後接続がリセットされました（ECONNRESET）",
    ),
    "a phrase that may be absent within a phrase": (
        "the server has an address of your own",
        "サーバのアドレスは自社のものです",
    ),
    "a sentence": (
        "10.1.2.3 is not in the networks that may use the gate.",
        "10.1.2.3は、ゲートの使用を許可されたネットワークに含まれていません。",
    ),
    "a sentence with a semicolon": (
        "Check the URL configured in the product; to allow this target, add an allowlist.rule for it.",
        "製品に設定されたURLを確認してください。この接続先を許可するには、allowlist.ruleを追加してください。",
    ),
    "a value of a peer between phrases": (
        "it said 'a; b'; it sends no User-Agent",
        "受信した内容：'a; b'。User-Agentを送信していません",
    ),
    "the longest of several messages": (
        "it left after 3 s; tried until then: 192.0.2.1",
        "3秒後に切断しました。それまでに接続を試みたアドレス：192.0.2.1",
    ),
    "a phrase beside another value": (
        "a program listens on 127.0.0.1:3128 as uid 991",
        "あるプログラムが127.0.0.1:3128で待ち受けています（uid 991）",
    ),
    "no phrase beside another value": (
        "a program listens on 127.0.0.1:3128",
        "あるプログラムが127.0.0.1:3128で待ち受けています",
    ),
    "a phrase that goes on after another": (
        "the gate's own look at 12:00:00 met a certificate signed by CN=Example",
        "ゲート自身による12:00:00の確認の結果：CN=Exampleが署名した証明書",
    ),
    "a colon in the first value of a phrase": (
        "log.access: /var/log: 900 MB free",
        "log.access: /var/log：空き容量900 MB",
    ),
    "a colon in the detail of a sentence": (
        "The parent proxy refused tools.cisco.com:443: 403: no.",
        "親プロキシがtools.cisco.com:443を拒否しました：403: no。",
    ),
    "words to choose from, in a sentence": (
        "x.example:443 is not in the allowlist, but the preset cucm or smart-transport would allow it.",
        "x.example:443は許可リストにありませんが、プリセットcucmまたはsmart-transportで許可されます。",
    ),
    "phrases to choose from": (
        "the parent proxy http://p:1 or the parent proxy http://q:2 or the direct connection",
        "親プロキシhttp://p:1または親プロキシhttp://q:2または直接接続",
    ),
    "values with a blank between them": (
        "the connection was reset (ECONNRESET) 12 ms after the ClientHello",
        "ClientHelloの12ミリ秒後に接続がリセットされました（ECONNRESET）",
    ),
    "a phrase with a comma, and a number of bytes": (
        "1234 bytes of the request had passed, and then, but for an answer or session ticket, nothing for 30 s",
        "リクエストは1234バイト通過しました。その後は、応答またはセッションチケットのほかには何もなく、30秒が経過しました",
    ),
    "a phrase before a number of bytes": (
        "towards the client 12 bytes were unsent, 3 segments unacknowledged, 2 sent again",
        "クライアント方向：未送信12バイト、未確認セグメント3、再送2",
    ),
    "a value of a peer before a phrase": (
        "it said 'HTTP/1.1 403 Forbidden', behind http://proxy:8080",
        "受信した内容：'HTTP/1.1 403 Forbidden'（http://proxy:8080経由）",
    ),
    "who sent it": ("the client's alert unknown_ca", "クライアントのアラートunknown_ca"),
    "another text": ("ECONNREFUSED", "ECONNREFUSED"),
    "an empty text": ("", ""),
    "braces": ("it said {x}", "受信した内容：{x}"),
}


@pytest.mark.parametrize(("english", "japanese"), CASES.values(), ids=CASES)
def test_a_text_is_reworded_by_its_messages(english: str, japanese: str) -> None:
    assert reworded(english, JAPANESE) == japanese
    assert reworded(english, ENGLISH) is english


def test_a_text_too_long_for_a_phrase_stays() -> None:
    text = "it left after " + "x" * 5000
    assert reworded(text, JAPANESE) is text


@pytest.mark.parametrize(
    "text", ["; " * 50, "(" * 500, "it left after " * 40, "\0; \x04", "a" * 3900, " or " * 900, "x of y, z has " * 60]
)
def test_hostile_text_neither_fails_nor_disappears(text: str) -> None:
    assert reworded(text, JAPANESE)
