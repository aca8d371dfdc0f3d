"""Why a product's answer is missing, and what to do about it. No I/O."""

import enum
from datetime import timedelta


class NoAnswerReason(enum.Enum):
    """Why a product's answer is missing: a label, and what to do."""

    LOGIN_REFUSED = (
        "login_refused",
        "the product refused the login, which is not repeated until the password changes; correct it in its file",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "the account may not use AXL; add it to a group with the role Standard AXL Read Only API Access",
    )
    PASSWORD_FILE = ("password_file", "the password file cannot be used; write the password on its only line")
    THROTTLED = ("throttled", "the product is busy; it is left alone for as long as it asks")
    CERTIFICATE = (
        "certificate",
        "the certificate is not the product's, so nothing was sent; set ca, or certificate to its SHA-256",
    )
    UNREACHABLE = ("unreachable", "no connection; check address, routes and the firewall, port 8443 as a rule")
    TIMED_OUT = ("timed_out", "no answer in time; check that the service Cisco AXL Web Service runs on the publisher")
    REDIRECTED = ("redirected", "the answer points elsewhere, where the password is not sent; correct the address")
    TOO_LARGE = ("too_large", "the answer is larger than any about licences; is this the publisher?")
    NOT_AXL = ("not_axl", "the answer is not AXL's; is this the publisher, and its port 8443?")
    FAULT = ("fault", "AXL refused the request; if it names the version, set axl_version to the product's release")
    STATUS = ("status", "an error of the product; look at its AXL log")

    def __init__(self, label: str, remedy: str) -> None:
        self.label = label
        self.remedy = remedy


class NoAnswerError(Exception):
    """A product gave no answer. `detail` is what it said; `wait` how long it wants to be left alone."""

    def __init__(self, reason: NoAnswerReason, detail: str = "", wait: timedelta | None = None) -> None:
        super().__init__(f"{detail}: {reason.remedy}" if detail else reason.remedy)
        self.reason = reason
        self.wait = wait
