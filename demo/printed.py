"""The output of `show license all` on the product that is out of compliance, with dates relative to now. Pure."""

from datetime import datetime, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)

OUT_OF_COMPLIANCE_DAYS: Final = 66
"""Since when it uses more licences than its account has: the overage of 90 days ends in about three weeks."""


def show_license_all(now: datetime) -> str:
    """What the product prints at this time, in UTC."""
    registered, since, contact = now - 210 * _DAY, now - OUT_OF_COMPLIANCE_DAYS * _DAY, now - timedelta(hours=2)
    return f"""\
Smart Licensing Status
=======================
Smart Licensing is ENABLED

Registration:
  Status: REGISTERED
  Smart Account: Example Corp
  Virtual Account: Voice Nagoya
  Export-Controlled Functionality: Allowed
  Initial Registration: SUCCEEDED on {_printed(registered)}
  Last Renewal Attempt: SUCCEEDED on {_printed(now - 30 * _DAY)}
  Next Renewal Attempt: {_printed(now + 150 * _DAY)}
  Registration Expires: {_printed(now + 335 * _DAY)}

License Authorization:
  Status: OUT OF COMPLIANCE on {_printed(since)}
  Last Communication Attempt: SUCCEEDED on {_printed(contact)}
  Next Communication Attempt: {_printed(contact + timedelta(hours=12))}
  Communication Deadline: {_printed(contact + 90 * _DAY)}

Evaluation Period:
  Evaluation Mode: Not In Use
  Evaluation Period Remaining: 62 days, 4 hours, 8 minutes, 15 seconds

License Usage
=============
License Authorization Status: OUT OF COMPLIANCE as of {_printed(contact)}

Demo Enhanced License (12.x) (regid.2016-07.com.example.DEMO_Enhanced,12.0_11112222-3333-4444-8555-666677778888)
  Description: Demo Enhanced License
  Count: 310
  Version: 12.0
  Status: OutOfCompliance

Demo Basic License (12.x) (regid.2016-07.com.example.DEMO_Basic,12.0_99990000-aaaa-4bbb-8ccc-ddddeeeeffff)
  Description: Demo Basic License
  Count: 45
  Version: 12.0
  Status: InCompliance

Product Information
===================
UDI: PID:UCM,SN:demo,UUID:00112233445566778899aabbccddeeff
"""


def _printed(time: datetime) -> str:
    return f"{time:%b} {time.day} {time:%H:%M:%S %Y} UTC"
