from datetime import timedelta

from licensegate.app.commands.probe import table
from licensegate.diagnosis.target_report import TargetReport
from licensegate.records.certificate import CertificateOutline
from licensegate.records.target_verdict import TargetVerdict
from support.records import NOON

CHAIN = (CertificateOutline("CN=tools.cisco.com", "CN=HydrantID Server CA O1", NOON, NOON + timedelta(days=90)),)


def test_the_table_gives_the_reason_where_something_is_wrong() -> None:
    good = TargetReport(
        "tools.cisco.com:443", NOON, TargetVerdict.PUBLIC, "signed", CHAIN, tls_version="TLSv1.3", skew_seconds=-0.6
    )
    bad = TargetReport("x.example:443", NOON, TargetVerdict.NOT_REACHED, "nobody answers", outcome="connection_refused")

    assert list(table([good, bad], NOON)) == [
        "TARGET               VERDICT      DAYS LEFT  CLOCK  TLS      ISSUER",
        "tools.cisco.com:443  public       90         -1 s   TLSv1.3  CN=HydrantID Server CA O1",
        "x.example:443        not_reached  -          -      -        -",
        "  nobody answers",
    ]
