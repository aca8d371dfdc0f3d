"""Findings about clients that must log in and do not. Pure.

Which logins Java sends through a proxy was measured: HttpURLConnection refuses Basic for tunnels since 8u111 and
Digest with MD5 since 18, and takes the last Digest challenge; java.net.http knows no Digest.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from .case import Case, Conclusion
from .codes import Code

_JAVA: Final = re.compile(r"Java/(?:1\.)?([0-9]+)")
_JAVA_NET_HTTP: Final = "Java-http-client/"
_REFUSES_MD5: Final = 18
_BASIC: Final = "basic"
_DIGEST: Final = "digest"
_MD5: Final = "md5"


def of_missing_login(case: Case) -> Conclusion | None:
    """A request without a login where one is required.

    Most clients send none until they are asked, on their next connection: the first such request of a client that has
    logged in before says nothing.
    """
    record = case.record
    again = record.login_unanswered
    if not again and case.has_logged_in:
        return None
    certainty = Certainty.LIKELY if again else Certainty.POSSIBLE
    asked = f"it was asked {again + 1} times" if again else "it was asked once"
    offered = f"{asked}; offered: {', '.join(record.login_offered)}" if record.login_offered else asked
    program = f"it calls itself {record.user_agent}" if record.user_agent else "it sends no User-Agent"
    return Conclusion(_code(record), certainty, f"{offered}; {program}")


def _code(record: TunnelRecord) -> Code:
    offered = record.login_offered
    if not offered:
        return Code.LOGIN_NOT_SENT
    if record.user_agent.startswith(_JAVA_NET_HTTP):
        return Code.JAVA_REFUSES_BASIC
    java = _JAVA.match(record.user_agent)
    if java is None:
        return Code.LOGIN_NOT_SENT
    digests = [scheme for scheme in offered if scheme.startswith(_DIGEST)]
    if not digests:
        return Code.JAVA_REFUSES_BASIC if _BASIC in offered else Code.LOGIN_NOT_SENT
    takes = digests[-1]
    if (takes == _DIGEST or takes.endswith(_MD5)) and int(java[1]) >= _REFUSES_MD5:
        return Code.JAVA_REFUSES_MD5
    return Code.LOGIN_NOT_SENT


RULES: Final[Mapping[Outcome, Callable[[Case], Conclusion | None]]] = {
    Outcome.LOGIN_REQUIRED: of_missing_login,
    Outcome.LOGIN_UNANSWERED: of_missing_login,
}
