"""The doctor's report as text, in the language of its reader."""

from msgspec import structs

from licensegate.doctor.report import TextReport, summary
from licensegate.doctor.step import failed, ok, skipped, warning
from licensegate.language.language import JAPANESE, LANGUAGES
from licensegate.records.outcome import Outcome
from support.diagnosed import refused

REFUSED = refused(Outcome.TARGET_NOT_ALLOWED, target="x.example:443")
STEPS = [
    structs.replace(ok("log.access: /var/log: 900 MB free"), name="disk", subject="host"),
    structs.replace(
        warning("this host says 2026-11-30 12:00:00 UTC; no time service keeps it", "raise the memory limit"),
        name="clock",
        subject="host",
    ),
    structs.replace(failed(REFUSED.sentence(), REFUSED.remedy()), name="tunnel", subject="x.example:443"),
    structs.replace(skipped("needs the step tunnel"), name="tls", subject="x.example:443"),
]


def test_steps_are_in_english_without_a_language() -> None:
    text = TextReport()
    assert "\n".join(map(text.lines, STEPS[:2])).split("\n") == [
        "host",
        "  ok       disk: log.access: /var/log: 900 MB free",
        "  warning  clock: this host says 2026-11-30 12:00:00 UTC; no time service keeps it",
        "           -> raise the memory limit",
    ]


def test_steps_are_in_japanese_for_a_japanese_reader() -> None:
    text = TextReport(JAPANESE)
    assert "\n".join(map(text.lines, STEPS)).split("\n") == [
        "host",
        "  正常     disk: log.access: /var/log：空き容量900 MB",
        "  警告     clock: このホストの時刻は2026-11-30 12:00:00 UTCです。時刻同期サービスが動作していません",
        "           -> メモリの上限を引き上げてください",
        "x.example:443",
        "  失敗     tunnel: x.example:443は許可リストにありません。",
        f"           -> {REFUSED.remedy(JAPANESE)}",
        "  省略     tls: ステップtunnelが必要です",
    ]


def test_a_step_cannot_draw_on_the_terminal_in_any_language() -> None:
    step = ok("HTTP 200 from \x1b[2J\u202enginx in 3 ms")
    for language in LANGUAGES:
        assert TextReport(language).lines(step).isprintable()


def test_the_summary_counts_and_names_what_failed() -> None:
    assert summary(STEPS, interrupted=True) == (
        "stopped; 4 steps: 1 ok, 1 skipped, 1 warning, 1 failed\nfailed: x.example:443 tunnel"
    )
    assert summary(STEPS, interrupted=False, language=JAPANESE) == (
        "ステップ4件（正常1件, 省略1件, 警告1件, 失敗1件）\n失敗：x.example:443 tunnel"
    )
