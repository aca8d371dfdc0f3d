"""What a report means at a given time: the state in words, whether anything is blocked, each deadline, what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Final

from msgspec import Struct, structs, to_builtins

from licensegate.language.language import JAPANESE, N_, Language

from .clocks import Clocks, Due, KnownOfClient, Level, clocks, days_until
from .known_of_report import dates_in, known_of
from .limits import Confidence, family_of_pid, limit
from .report import LicenseReport, Reading
from .states import Enforced, effect_of, override_of, state_of
from .times import ZoneRule

_NOT_SMART_EN: Final = (
    "This is not Smart Licensing: the licences are files or keys on the device, and Cisco is not contacted."
)
_NOT_SMART_JA: Final = (
    "スマートライセンスではありません。ライセンスは装置内のファイルまたはキーで、シスコとの通信は行われません。"
)
_UNKNOWN_EN: Final = "The text does not say in which state the licences are."
_WHOLE_EN: Final = "Copy the whole output of `show license all`."
_WHOLE_JA: Final = "show license all の出力全体をコピーしてください。"
_FAMILY_OF_FORM: Final = {"FMC": "FMC", "AXL": "CUCM", "slminfo": "CUCM"}
_IMPLIED_REGISTRATION: Final = {
    "evaluation": "unregistered",
    "evaluation_expired": "unregistered",
    "authorized": "registered",
    "out_of_compliance": "registered",
    "authorization_expired": "registered",
    "reserved": "reserved",
}
"""The only registration that goes with an authorization: `show license usage` prints no other state."""
_UNKNOWN_DAYS_EN: Final = "an unknown number of"
_UNKNOWN_DAYS_JA: Final = "（不明）"
_UNKNOWN_DATE_EN: Final = "an unknown date"
_UNKNOWN_DATE_JA: Final = "不明な日時"
_UNKNOWN_JA: Final = "この出力からはライセンスの状態を判断できません。"


class LicenseDeadline(Struct, frozen=True):
    """A date of `clocks`: when it is due, whether the product printed it or it is an estimate, and by which rule."""

    name: str
    due: datetime
    days_left: int
    printed: bool
    meaning: str
    source: str
    confidence: Confidence


class Meaning(Struct, frozen=True, kw_only=True):
    """The state of a product's licences, for people. `enforced_at` is the earliest date of a block that is still ahead.

    `last_success` is the last contact that succeeded: a date under the word AUTHORIZED may be that of a failed one.
    """

    level: str
    enforced: Enforced
    enforced_at: datetime | None
    text: str
    text_ja: str
    do: str
    do_ja: str
    effect: str | None = None
    effect_ja: str | None = None
    alerts: tuple[str, ...] = ()
    source: str
    confidence: Confidence
    family: str | None = None
    last_success: datetime | None = None
    now: datetime
    notes: tuple[str, ...] = ()

    def words(self, language: Language) -> tuple[str, str, str | None]:
        """The state, what to do, and what is blocked, in a language."""
        if language is JAPANESE:
            return self.text_ja, self.do_ja, self.effect_ja
        return self.text, self.do, self.effect


class Explained(Struct, frozen=True):
    """The meaning and the deadlines of one report."""

    meaning: Meaning
    deadlines: tuple[LicenseDeadline, ...]


def explain(reading: Reading, now: datetime | None = None, zone: tzinfo | None = None, family: str = "") -> Explained:
    """Explain a report at `now`, by default the product's own time, else this moment.

    `zone` is the zone of the dates where the text cannot tell. `family` replaces the one that the product ID tells.
    """
    report = reading.report
    rule = ZoneRule(dates_in(to_builtins(report)), zone)
    at = now or rule.instant(reading.captured_at) or datetime.now(UTC)
    found = family_of_pid(report.product.pid)
    family = family or (found.name if found else _FAMILY_OF_FORM.get(reading.form) or _family_of_licences(report))
    known = known_of(report, rule, family, at)
    if reading.fails:
        known = structs.replace(known, contact_failed=True)
    running = clocks(known, at)
    deadlines = tuple(_deadlines(running, at))
    effect = effect_of(family)
    meaning = structs.replace(
        _meaning(reading, known, running, at),
        effect=effect.en if effect is not None else None,
        effect_ja=effect.ja if effect is not None else None,
        family=family or None,
        last_success=known.last_contact,
        notes=(*reading.notes, *rule.notes, *_notes(report), *_notes_of_family(report, known, running, at)),
    )
    return Explained(meaning, deadlines)


def _family_of_licences(report: LicenseReport) -> str:
    """The family that the names of its licences tell, where its product ID is not there."""
    names = [f"{each.name} {each.tag}".upper() for each in report.entitlements]
    if any("CUBE_" in name for name in names):
        return "CUBE"
    return "CUCM" if any(".UCM_" in name for name in names) else ""


def _deadlines(running: Clocks, now: datetime) -> Iterator[LicenseDeadline]:
    dues: list[Due] = [
        due
        for due in (
            running.contact,
            running.deadline,
            running.certificate_renewal,
            running.certificate_expiry,
            running.overage_end,
            running.evaluation_end,
        )
        if due is not None
    ]
    for due in sorted(dues, key=lambda due: due.at):
        rule = due.rule
        days = days_until(due.at, now)
        yield LicenseDeadline(rule.name, due.at, days, due.printed, rule.meaning, rule.source, rule.confidence)


def _meaning(reading: Reading, known: KnownOfClient, running: Clocks, now: datetime) -> Meaning:
    report = reading.report
    if report.model == "traditional":
        return _plain(_NOT_SMART_EN, _NOT_SMART_JA, "ok", known, running, now)
    if report.model == "policy":
        return _policy_meaning(reading, known, running, now)
    registration, authorization = report.registration.status, report.authorization.status
    if registration is None and authorization is not None:
        registration = _IMPLIED_REGISTRATION.get(authorization)
    if registration is None or authorization is None:
        plain = _plain(_UNKNOWN_EN, _UNKNOWN_JA, running.level.label, known, running, now)
        return structs.replace(plain, do=_WHOLE_EN, do_ja=_WHOLE_JA)
    row = state_of(registration, authorization)
    override = override_of(known.family, registration, authorization)
    chosen = override or row
    enforced = chosen.enforced
    if enforced == "after" and running.enforced is not None and running.enforced <= now:
        enforced = "now"
    running_level = Level.OK if running.level is Level.UNKNOWN else running.level
    if chosen.level == "ok" and running_level is not Level.OK and known.model != "reserved":
        return _overdue(chosen.source, chosen.confidence, running, now)
    days, is_over = _days(row.clock, running, now), _is_over(row.clock, running, now)
    english, japanese = (row.en_over, row.ja_over) if is_over and row.en_over else (chosen.en, chosen.ja)
    return Meaning(
        level=max(Level[chosen.level.upper()], running_level).label,
        enforced=enforced,
        enforced_at=None if enforced in ("now", "unknown") else running.enforced,
        text=english.format(days=_UNKNOWN_DAYS_EN if days is None else days, date=_date(running)),
        text_ja=japanese.format(days=_UNKNOWN_DAYS_JA if days is None else days, date=_date(running, _UNKNOWN_DATE_JA)),
        do=row.do_en,
        do_ja=row.do_ja,
        alerts=row.rtmt if known.family == "CUCM" else (),
        source=chosen.source,
        confidence=chosen.confidence,
        now=now,
    )


def _overdue(source: str, confidence: Confidence, running: Clocks, now: datetime) -> Meaning:
    """The meaning of an output that is in order by its words, while its dates have passed or come near."""
    is_over = running.deadline is not None and running.deadline.at <= now
    if is_over:
        text = (
            f"In order when it was printed, but its authorization ended on {_date(running)} unless a contact succeeded."
        )
        ja = f"出力時点では正常ですが、その後の通信がなければ承認は{_date(running, _UNKNOWN_DATE_JA)}に失効しています。"
        do = "Take a new output. If its dates are the same, restore the path to Cisco and renew the authorization."
        do_ja = "最新の出力を取得してください。日付が同じ場合は通信経路を復旧し、承認を更新してください。"
    elif running.deadline is None:
        text = (
            "In order when it was printed, but a date has passed since, and the text does not say until when it lasts."
        )
        ja = "出力時点では正常ですが、その後に予定日を過ぎています。承認の期限はこの出力にはありません。"
        do = "Take a new output, of `show license all`. If its dates are the same, find out why contacts fail."
        do_ja = "show license all の最新の出力を取得してください。日付が同じ場合は通信が失敗する原因を調べてください。"
    elif running.certificate_expiry is not None and running.certificate_expiry.at <= now:
        ended = f"{running.certificate_expiry.at:%Y-%m-%d %H:%M} UTC"
        text = f"In order when it was printed, but its registration ended on {ended} unless it was renewed."
        ja = f"出力時点では正常ですが、その後に更新されていなければ登録は{ended}に期限切れです。"
        do = "Take a new output. If its dates are the same, renew the registration, or register the product again."
        do_ja = "最新の出力を取得してください。日付が同じ場合は登録を更新するか、製品を再登録してください。"
    else:
        text = f"Still in order, but a date has passed or comes near; the authorization lasts until {_date(running)}."
        until = _date(running, _UNKNOWN_DATE_JA)
        ja = f"現時点では正常ですが、予定日を過ぎたか期限が近づいています。承認の期限は{until}です。"
        do = "Find out why the product's contacts fail or are missing, then renew the authorization on the product."
        do_ja = "通信が失敗または途絶えている原因を調べ、製品で承認を更新してください。"
    return Meaning(
        level=running.level.label,
        enforced="unknown" if is_over else "after",
        enforced_at=running.enforced,
        text=text,
        text_ja=ja,
        do=do,
        do_ja=do_ja,
        source=source,
        confidence=confidence,
        now=now,
    )


def _due(clock: str, running: Clocks) -> Due | None:
    return running.overage_end if clock == "overage" else running.evaluation_end


def _is_over(clock: str, running: Clocks, now: datetime) -> bool:
    due = _due(clock, running)
    return due is not None and due.at <= now


def _days(clock: str, running: Clocks, now: datetime) -> int | None:
    due = _due(clock, running)
    return None if due is None else max(0, days_until(due.at, now))


def _date(running: Clocks, unknown: str = _UNKNOWN_DATE_EN) -> str:
    return unknown if running.deadline is None else f"{running.deadline.at:%Y-%m-%d %H:%M} UTC"


def _policy_meaning(reading: Reading, known: KnownOfClient, running: Clocks, now: datetime) -> Meaning:
    if known.reports_nothing:
        text = "Smart Licensing Using Policy: no report is due (push interval 0). That is normal, not an error."
        ja = "ポリシー型のスマートライセンスです。レポートの送信は不要です(送信間隔0)。正常な状態です。"
    elif running.deadline is None:
        text = "Smart Licensing Using Policy. The text has no deadline for a report."
        ja = "ポリシー型のスマートライセンスです。出力にレポートの期限はありません。"
    elif running.deadline.at <= now:
        text = f"Smart Licensing Using Policy: no report was acknowledged by {_date(running)}."
        ja = f"ポリシー型のスマートライセンスです。期限{_date(running)}までにレポートが確認されていません。"
    else:
        text = f"Smart Licensing Using Policy: Cisco must acknowledge a report by {_date(running)}."
        ja = f"ポリシー型のスマートライセンスです。{_date(running)}までにレポートの確認が必要です。"
    plain = _plain(text, ja, running.level.label, known, running, now)
    do, do_ja = _policy_remedy(reading, running)
    return structs.replace(plain, do=do, do_ja=do_ja)


def _policy_remedy(reading: Reading, running: Clocks) -> tuple[str, str]:
    """What to do, in English and Japanese: what stops the reports, if the text tells."""
    transport, level = reading.report.transport, running.level
    if level is Level.OK:
        return "Nothing.", "対応不要です。"
    if level is Level.UNKNOWN:
        return _WHOLE_EN, _WHOLE_JA
    if transport.type == "off":
        return (
            "Carry a usage report to Cisco by hand and install the acknowledgement, or set a transport.",
            "使用状況レポートを手動でシスコにアップロードし、確認応答をインストールするか、トランスポートを設定してください。",
        )
    if transport.type == "cslu" and transport.url is None:
        return (
            "Set the address of a CSLU, or another transport: now it reports to nobody.",
            "CSLUのアドレスまたは別のトランスポートを設定してください。現在はどこにもレポートが送信されません。",
        )
    if reading.fails == "answered":
        return (
            "The path is fine, since the other side answers: act on the failure below, such as by a new trust code.",
            "相手側から応答があるため、通信経路は正常です。下記の失敗理由に対処してください（信頼コードの再取得など）。",
        )
    return (
        "Check that the product can send its reports: path, proxy and trust.",
        "製品がレポートを送信できるか(経路、プロキシ、信頼)を確認してください。",
    )


def _plain(text: str, ja: str, level: str, known: KnownOfClient, running: Clocks, now: datetime) -> Meaning:
    """A meaning that comes from no row of the table. Unenforced licences of the policy model are never blocked."""
    stops = running.enforced
    enforced: Enforced = "unknown" if known.model == "classic" else "no" if stops is None else "after"
    if stops is not None and stops <= now:
        enforced = "now"
    return Meaning(
        level=level,
        enforced=enforced,
        enforced_at=running.enforced,
        text=text,
        text_ja=ja,
        do="Nothing.",
        do_ja="対応不要です。",
        source=limit("acknowledgement", "policy").source if known.model == "policy" else "",
        confidence="high" if known.model != "classic" else "low",
        now=now,
    )


def _notes_of_family(report: LicenseReport, known: KnownOfClient, running: Clocks, now: datetime) -> Iterator[str]:
    """What an output without a product ID may also mean."""
    is_late = running.deadline is not None and running.deadline.at <= now and not known.reports_nothing
    is_untold = not known.family and report.product.pid is None and not report.members
    if known.model == "policy" and is_late and is_untold:
        yield N_("A CUBE with IOS XE 17.3.2 to 17.6.1a stops calls now: if it is one, say --family CUBE.")


def _notes(report: LicenseReport) -> Iterator[str]:
    """Sentences about what is easily misread."""
    attempt = report.authorization.last_contact
    is_unchanged = report.authorization.status in ("authorized", "out_of_compliance")
    if attempt is not None and attempt.result == "failed" and is_unchanged:
        yield N_(
            "The last contact failed, although the status is unchanged: its date is that of the failed attempt."
            " The last success is 90 days before the deadline."
        )
    if report.transport.type == "off":
        yield N_("Its transport is off: no proxy will ever see it, and its reports are carried by hand.")
    if report.transport.type == "cslu" and report.transport.url is None:
        yield N_("It reports to a CSLU, but no address of one is set: it reports to nobody.")
    if report.transport.url and report.transport.url.startswith("http://"):
        yield N_("It reports by plain HTTP to a server of yours, not through an HTTPS proxy.")
