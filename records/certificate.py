"""What identifies a certificate, in words. `diagnosis` and the pages read it; it holds no key and no signature."""

from datetime import datetime

from msgspec import Struct


class CertificateOutline(Struct, frozen=True, omit_defaults=True):
    """Who a certificate is for, who signed it and how long it is valid.

    `subject` and `issuer` are printable and bounded, like `CN=tools.cisco.com, O=Cisco Systems Inc.`; `names` are the
    DNS names and IP addresses in it, at most 16.
    """

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...] = ()
