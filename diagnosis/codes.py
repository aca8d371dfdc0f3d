"""The table of findings: what is wrong with a contact, what to change and where, and what CUCM shows meanwhile.

Labels are a contract (logs, metrics, pages, alerts): the meaning of a label never changes. Where an outcome says all
there is, its words are those of the outcome. `{client}`, `{target}`, `{listener}` and `{detail}` are filled in from the
record.
"""

import enum
from typing import Final

from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome


class CucmMessage(enum.StrEnum):
    """What CUCM shows: "The requested operation was not successful due to ..." (HCS error mapping)."""

    SEND_ERROR = "communication send error"
    TIMEOUT = "a communication timeout"
    TRUST = "invalid trust chain pool"
    UNKNOWN = "an unknown error"
    ACCOUNT = "a message about the token, the account or the time"


_SEND: Final = (CucmMessage.SEND_ERROR,)
_LATE: Final = (CucmMessage.TIMEOUT,)
_TRUST: Final = (CucmMessage.TRUST,)
_LATE_OR_SEND: Final = (CucmMessage.TIMEOUT, CucmMessage.SEND_ERROR)
_NOTHING: Final[tuple[CucmMessage, ...]] = ()

_CERTAIN, _LIKELY, _POSSIBLE = Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE
_PAGE: Final = "System > Licensing > License Management > View/Edit"

_Row = tuple[str, Certainty, tuple[CucmMessage, ...], str, str, tuple[Outcome, ...]]


def _by(
    *outcomes: Outcome, label: str = "", certainty: Certainty = _CERTAIN, cucm: tuple[CucmMessage, ...] = _SEND
) -> _Row:
    """A finding in the words of its outcome; of several, in those of the record's."""
    one = outcomes[0]
    alone = len(outcomes) == 1
    return label or one.label, certainty, cucm, one.sentence * alone, one.remedy * alone, outcomes


def _says(label: str, certainty: Certainty, cucm: tuple[CucmMessage, ...], sentence: str, remedy: str) -> _Row:
    return label, certainty, cucm, sentence, remedy, ()


class Code(enum.Enum):
    """One finding.

    `certainty` is how sure it usually is. `cucm` is what CUCM shows for it, most probable first (inferred). `sentence`
    says what happened, `remedy` what to change and where; both are empty where `outcomes` has several, which say it.
    """

    # fmt: off
    # Does it reach the gate, and as a proxy?
    NEVER_ARRIVED = _says("never_arrived", _POSSIBLE, _LATE_OR_SEND,
        "{client} has been silent for much longer than usual: nothing of it has reached the gate.",
        f"Check the proxy's address and port in the client (CUCM: {_PAGE}), and that the routes and firewalls between "
        "the client and the gate let it pass.")
    SOURCE_NOT_ALLOWED = _by(Outcome.CLIENT_NOT_ALLOWED, label="source_not_allowed")
    GATEWAY_MODE = _by(Outcome.GATE_IS_NO_GATEWAY, label="gateway_mode")
    NOT_A_PROXY_REQUEST = _says("not_a_proxy_request", _LIKELY, _SEND,
        "{client} asked the gate for a page, as if it were a web server.",
        "Nothing, if it is a browser or a check; otherwise enter the gate as the client's HTTP proxy, not as a URL.")
    HTTP_URL = _by(Outcome.HTTP_WITHOUT_TUNNEL, label="http_url")
    HTTPS_WITHOUT_CONNECT = _by(Outcome.HTTPS_WITHOUT_TUNNEL, label="https_without_connect")
    METHOD_NOT_ALLOWED = _by(Outcome.METHOD_NOT_ALLOWED)
    TLS_TO_PROXY_UNTRUSTED = _says("tls_to_proxy_untrusted", _LIKELY, _LATE_OR_SEND,
        "{client} opened TLS to the gate itself and rejected the gate's certificate ({detail}).",
        "Use an http:// proxy address in the client, or serve a certificate that it trusts (tls.certificate). If the "
        f"gate's address was entered as the URL of a gateway or satellite, choose HTTP/HTTPS Proxy in {_PAGE}.")
    DIRECT_WITHOUT_SNI = _says("direct_without_sni", _LIKELY, _LATE_OR_SEND,
        "{client} opened TLS on {listener} without a server name and rejected the gate's certificate ({detail}): it "
        "expected another server there.",
        "If no proxy is set in the client, DNS leads it here: enter the gate as its proxy (CUCM: HTTP/HTTPS Proxy in "
        f"{_PAGE}). If the gate's address was entered with https://, use http://.")
    PROXY_HEADER_MISSING = _by(Outcome.PROXY_HEADER_MISSING)
    PROXY_HEADER_NOT_ALLOWED = _by(Outcome.PROXY_HEADER_NOT_ALLOWED)
    NEITHER_HTTP_NOR_TLS = _by(Outcome.NEITHER_HTTP_NOR_TLS)
    SSLV2_HELLO = _by(Outcome.SSLV2_HELLO)
    HELLO_MALFORMED = _by(Outcome.HELLO_MALFORMED)
    HANDSHAKE_FAILED = _by(Outcome.HANDSHAKE_FAILED, cucm=_LATE_OR_SEND)
    CLOSED_AFTER_HANDSHAKE = _by(Outcome.CLOSED_AFTER_HANDSHAKE, certainty=_POSSIBLE)
    TLS_FAILED = _by(Outcome.TLS_FAILED)
    HEAD_TOO_LARGE = _by(Outcome.HEAD_TOO_LARGE)
    REQUEST_LINE_TOO_LONG = _by(Outcome.REQUEST_LINE_TOO_LONG)
    HEAD_MALFORMED = _by(Outcome.HEAD_MALFORMED)
    VERSION_NOT_SUPPORTED = _by(Outcome.VERSION_NOT_SUPPORTED)
    BODY_NOT_ALLOWED = _by(Outcome.BODY_NOT_ALLOWED)
    HOST_MALFORMED = _by(Outcome.HOST_MALFORMED)
    PROXY_LOOP = _by(Outcome.PROXY_LOOP)

    # Does it ask for a target that is allowed?
    TARGET_MALFORMED = _by(Outcome.TARGET_MALFORMED)
    TARGET_IS_URL = _by(Outcome.TARGET_IS_URL)
    TARGET_NOT_ALLOWED = _by(Outcome.TARGET_NOT_ALLOWED)
    TARGET_IN_PRESET = _by(Outcome.TARGET_IN_PRESET)
    TARGET_PORT_NOT_ALLOWED = _by(Outcome.TARGET_PORT_NOT_ALLOWED)
    TARGET_IS_ADDRESS = _by(Outcome.TARGET_IS_ADDRESS)
    TARGET_NOT_FOR_CLIENT = _by(Outcome.TARGET_NOT_FOR_CLIENT)
    SERVER_NAME_NOT_ALLOWED = _by(Outcome.SERVER_NAME_NOT_ALLOWED)

    # Does it log in?
    LOGIN_NOT_SENT = _says("login_not_sent", _LIKELY, _SEND,
        "{client} must log in, and has sent no login.",
        f"Enter a user name and a password in the client (CUCM: {_PAGE}); if it has no field for them, add its address "
        "to auth.trusted_networks.")
    JAVA_REFUSES_BASIC = _says("java_refuses_basic", _LIKELY, _SEND,
        "{client} runs on Java, which sends no Basic login for a tunnel.",
        "Offer Digest: name a file in auth.htdigest and set the password there with `licensegate passwd`. For "
        "java.net.http, which knows no Digest, add the client's address to auth.trusted_networks.")
    JAVA_REFUSES_MD5 = _says("java_refuses_md5", _LIKELY, _SEND,
        "{client} runs on Java 18 or newer, which accepts no Digest with MD5 from a proxy.",
        "Set the user's password again with `licensegate passwd`: then SHA-256 is offered, too.")
    LOGIN_WRONG = _by(Outcome.LOGIN_REFUSED, label="login_wrong")
    LOGIN_SCHEME = _by(Outcome.LOGIN_UNUSABLE, label="login_scheme")
    LOGIN_LIMITED = _by(Outcome.LOGIN_LIMITED)
    LOGIN_STALE = _by(Outcome.LOGIN_STALE, cucm=_NOTHING)
    LOGIN_NOT_CHECKED = _by(Outcome.LOGIN_NOT_CHECKED)
    LOGIN_IMPOSSIBLE = _by(Outcome.LOGIN_IMPOSSIBLE)
    CERTIFICATE_REQUIRED = _by(Outcome.CERTIFICATE_REQUIRED)
    CLIENT_LEFT_IN_LOGIN = _by(Outcome.CLIENT_LEFT_IN_LOGIN, cucm=_LATE)

    # Can the target be reached?
    DNS_NOT_FOUND = _by(Outcome.DNS_NOT_FOUND)
    DNS_EMPTY = _by(Outcome.DNS_EMPTY)
    DNS_FAILED = _by(Outcome.DNS_FAILED)
    DNS_TIMEOUT = _by(Outcome.DNS_TIMEOUT)
    DNS_SINKHOLE = _says("dns_sinkhole", _LIKELY, (CucmMessage.TRUST, CucmMessage.SEND_ERROR),
        "The gate's resolver answers for {target} with an address that is not the target's, as a DNS filter does for a "
        "blocked name.",
        "Exempt the host in the DNS filter that the gate's resolver asks, and look for an override of the name.")
    PRIVATE_NOT_ALLOWED = _says("private_not_allowed", _LIKELY, _SEND,
        "{target} resolves only to addresses that are not public: {detail}.",
        "If it is a server of your own, set private = true in its allowlist.rule; otherwise look for a DNS filter.")
    TARGET_IS_GATE = _by(Outcome.TARGET_IS_GATE)
    CONNECTION_REFUSED = _by(Outcome.CONNECTION_REFUSED)
    CONNECTION_TIMEOUT = _by(Outcome.CONNECTION_TIMEOUT, cucm=_LATE)
    UNREACHABLE = _by(Outcome.DESTINATION_UNREACHABLE, label="unreachable")
    DIAL_FAILED = _by(Outcome.DIAL_FAILED)
    CLIENT_IMPATIENT = _says("client_impatient", _LIKELY, _LATE,
        "{client} gave up while the gate was still trying to reach {target}.",
        "Find out why the target takes so long to reach: the record's times and attempts show the step and the address "
        "that did not answer.")
    IPV6_BROKEN = _says("ipv6_broken", _LIKELY, _LATE,
        "The gate lost time on the IPv6 addresses of {target} before IPv4 worked.",
        "Repair the way out by IPv6 on the gate's host, or take its IPv6 address away from this host.")
    SLOW_SERVER = _says("slow_server", _POSSIBLE, _LATE,
        "{target} took very long to be reached or to answer.",
        "Nothing, if it was once; otherwise look for a slow path, or a device that inspects it, behind the gate.")

    # Does the parent proxy let it through?
    PARENT_UNREACHABLE = _by(Outcome.PARENT_UNREACHABLE)
    PARENT_TIMEOUT = _by(Outcome.PARENT_TIMEOUT, cucm=_LATE)
    PARENT_BROKE_OFF = _by(Outcome.PARENT_BROKE_OFF)
    PARENT_NOT_A_PROXY = _by(Outcome.PARENT_ANSWER_MALFORMED, label="parent_not_a_proxy")
    PARENT_TLS_FAILED = _by(Outcome.PARENT_TLS_FAILED)
    PARENT_CERTIFICATE_REJECTED = _by(Outcome.PARENT_CERTIFICATE_REJECTED)
    PARENT_IS_GATE = _by(Outcome.PARENT_IS_GATE)
    PARENT_LOOP = _by(Outcome.PARENT_LOOP)
    PARENT_REFUSED = _by(Outcome.PARENT_REFUSED)
    PARENT_PORTAL = _says("parent_portal", _CERTAIN, _SEND,
        "The parent proxy sends its clients to a login page instead of opening the tunnel to {target}: {detail}.",
        "Have the parent's administrator exempt the gate's address, or this host, from that page: only a browser can "
        "use it.")
    PARENT_CANNOT_REACH = _by(Outcome.PARENT_TARGET_FAILED, label="parent_cannot_reach")
    PARENT_LOGIN_MISSING = _by(Outcome.PARENT_LOGIN_REQUIRED, label="parent_login_missing")
    PARENT_LOGIN_UNSUPPORTED = _by(Outcome.PARENT_LOGIN_UNSUPPORTED)
    PARENT_LOGIN_WRONG = _by(Outcome.PARENT_LOGIN_REFUSED, label="parent_login_wrong")
    PARENT_LOGIN_FAILED = _by(Outcome.PARENT_LOGIN_FAILED)
    PARENTS_EXHAUSTED = _by(Outcome.PARENTS_EXHAUSTED)
    PARENT_TUNNEL_DEAD = _says("parent_tunnel_dead", _LIKELY, _LATE_OR_SEND,
        "The parent proxy said that the tunnel to {target} is open, but nothing came through it.",
        "Look at the parent's log at this time: it answers before it has reached the target, or filters what passes.")

    # Does TLS with the target begin?
    INNER_NOT_TLS = _by(Outcome.INNER_NOT_TLS)
    INNER_HELLO_MALFORMED = _by(Outcome.INNER_HELLO_MALFORMED)
    SERVER_NAME_MISMATCH = _by(Outcome.SERVER_NAME_MISMATCH)
    SERVER_NAME_ABSENT = _by(Outcome.SERVER_NAME_ABSENT)
    HELLO_LOOP = _by(Outcome.HELLO_LOOP)
    HELLO_STALLED = _says("hello_stalled", _LIKELY, _LATE,
        "Only a part of the ClientHello of {client} arrived at the gate.",
        "Large packets are lost between the client and the gate: look for a tunnel or a VPN with a smaller MTU there, "
        "and clamp the MSS.")
    HEAD_STALLED = _says("head_stalled", _LIKELY, _LATE,
        "Only a part of the request of {client} arrived at the gate.",
        "Check that the client speaks HTTP to its proxy, and look for packets that are lost between it and the gate.")
    CLIENT_SILENT = _says("client_silent", _LIKELY, _LATE,
        "{client} connected and then sent nothing.",
        "Look at the client's log at this time; a client that waits for the server to speak first does not speak TLS.")
    CLIENT_DEAF = _says("client_deaf", _LIKELY, _LATE,
        "{client} did not take what the gate sent it.",
        "If segments were unacknowledged, large packets are lost between the gate and the client: look for a tunnel or "
        "a VPN with a smaller MTU there, and clamp the MSS. Otherwise the client has stopped reading: look at its log.")
    TARGET_NOT_TLS = _says("target_not_tls", _CERTAIN, (CucmMessage.UNKNOWN, CucmMessage.SEND_ERROR),
        "What answers at {target} does not speak TLS.",
        "Look for a filter that answers in the target's place, with a block page for example, and exempt the host "
        "there; check that the port is one for HTTPS.")
    SERVER_CLOSED_ON_HELLO = _says("server_closed_on_hello", _CERTAIN, _SEND,
        "The connection to {target} was closed at the ClientHello, without an answer.",
        "Look for a firewall or URL filter that blocks the server name on the way, and exempt the host there.")
    SERVER_REFUSED_HELLO = _says("server_refused_hello", _CERTAIN, _SEND,
        "{target}, or a filter in its place, refused the ClientHello with an alert.",
        "Check the host name in the product's URL; look for a firewall or URL filter on the way that blocks it.")
    SILENT_AFTER_HELLO = _says("silent_after_hello", _LIKELY, _LATE,
        "{target} did not answer the ClientHello.",
        "Look between the gate and the target: for large packets that are lost (clamp the MSS), and for a firewall or "
        "intrusion prevention that drops what it does not like.")
    STALLED_IN_HANDSHAKE = _says("stalled_in_handshake", _LIKELY, _LATE,
        "The TLS handshake with {target} stopped halfway.",
        "Look for large packets that are lost on the way (clamp the MSS), and for an intrusion prevention that holds "
        "the server's certificate back.")
    RESET_IN_HANDSHAKE = _says("reset_in_handshake", _LIKELY, _SEND,
        "The connection to {target} was cut in the middle of the TLS handshake.",
        "Look for a firewall that reads the server's certificate and blocks by its names (Cisco's begins with "
        "toos.cisco.com), and exempt the host there; then look at the client's log.")
    CLIENT_TOO_OLD = _says("client_too_old", _CERTAIN, _SEND,
        "{client} offers no TLS version that {target} accepts.",
        "Update the product: Cisco requires TLS 1.2. Until then, SSM On-Prem may serve it.")
    SERVER_TOO_OLD = _says("server_too_old", _LIKELY, _SEND,
        "{target} speaks only TLS versions that {client} does not use.",
        "Update the server, if it is your own; otherwise look for a device on the way that answers in its place.")
    NO_COMMON_CIPHER = _says("no_common_cipher", _LIKELY, _SEND,
        "{client} and {target} have no cipher or key exchange in common.",
        "Update the older of the two; a product in FIPS mode may have to allow what the server offers.")

    # Is the certificate accepted?
    CERTIFICATE_REJECTED = _says("certificate_rejected", _LIKELY, _TRUST,
        "{client} rejected the certificate that it got from {target}.",
        "`licensegate doctor {target}` shows the chain and says whether it or the client is at fault.")
    INTERCEPTED = _says("intercepted", _LIKELY, _TRUST,
        "TLS to {target} is intercepted: {client} got a certificate that no public authority has signed.",
        "Exempt the host from TLS inspection at the device that signs as named in the evidence. Loading the company's "
        "root into CUCM does not help: the licensing agent has its own fixed list.")
    MISSING_ROOT = _says("missing_root", _LIKELY, _TRUST,
        "{client} rejected the public certificate of {target}: it probably lacks the root.",
        "Update the roots of the product. CUCM: field notice FN72318, that is 12.5(1)SU5, 14SU1 or the COP file; IOS: "
        "import the trust pool.")
    CLIENT_CLOCK = _says("client_clock", _LIKELY, _TRUST,
        "{client} rejected the certificate of {target} although it is valid now: its clock is probably wrong.",
        "Set NTP in the product; licensing needs its clock right to an hour.")
    WRONG_NAME = _says("wrong_name", _LIKELY, _TRUST,
        "The certificate shown for {target} is for other names.",
        "Enter the exact name that is in the certificate in the product's URL; look for DNS that leads elsewhere.")
    SERVER_EXPIRED = _says("server_expired", _LIKELY, _TRUST,
        "The certificate shown for {target} has expired.",
        "Renew it, if the server is your own; otherwise look for a device on the way that shows its own.")
    SERVER_NOT_YET_VALID = _says("server_not_yet_valid", _LIKELY, _TRUST,
        "The certificate shown for {target} is not valid yet.",
        "Check the clocks of the server and of the gate; a new certificate works once its validity begins.")
    SELF_SIGNED = _says("self_signed", _LIKELY, _TRUST,
        "The certificate shown for {target} is signed by itself.",
        "If the server is your own, give it a certificate that the product trusts; otherwise look for a device on the "
        "way that shows its own.")
    INCOMPLETE_CHAIN = _says("incomplete_chain", _LIKELY, _TRUST,
        "{target} sends its certificate without the intermediate ones, so {client} does not find the way to the root.",
        "Install the whole chain on the server.")
    ONPREM_UNTRUSTED = _says("onprem_untrusted", _LIKELY, _TRUST,
        "{client} does not trust the certificate of {target}, a server of your own.",
        "Compare the name in the product's URL with the one in the server's certificate; on SSM On-Prem, set the Host "
        "Common Name to it, and let the product fetch the new root.")
    REVOCATION_BLOCKED = _says("revocation_blocked", _LIKELY, _TRUST,
        "{client} could not find out whether the certificate of {target} is revoked: the gate refused its request.",
        "Give the product another way to the revocation list, or switch its check off (revocation-check none).")
    CLIENT_CERTIFICATE_WANTED = _says("client_certificate_wanted", _LIKELY, _SEND,
        "{target} wants a certificate of {client}, which has none to show.",
        "Check the product's URL: Cisco's licensing hosts want none. Check the rule, if it names another server.")

    # Is there an answer?
    SERVER_REFUSED_AFTER_HANDSHAKE = _says("server_refused_after_handshake", _LIKELY, _SEND,
        "{target} ended TLS after the handshake, without an answer.",
        "Check the host name in the product's URL; if the server is your own, look at its log.")
    NO_ANSWER_TO_REQUEST = _says("no_answer_to_request", _LIKELY, _LATE,
        "{target} got the request of {client} and did not answer it.",
        "Try again later. If it lasts, look for a device on the way that swallows answers, or ask Cisco.")
    UPLOAD_STALLED = _says("upload_stalled", _LIKELY, _LATE,
        "The request of {client} does not get through to {target}, which has not taken all of it.",
        "If segments were unacknowledged, large packets are lost between the gate and the target: clamp the MSS there, "
        "or lower the MTU of the gate. Otherwise the target has stopped reading: look at its log.")
    CUT_IN_USE = _says("cut_in_use", _LIKELY, _SEND,
        "The connection to {target} was cut while the answer was awaited.",
        "Look for a firewall or an intrusion prevention that resets connections; the product tries again by itself.")
    IDLE_LIMIT = _says("idle_limit", _LIKELY, _LATE,
        "The gate ended the tunnel to {target} while {client} waited for an answer.",
        "Raise limits.idle_seconds.")
    IDLE_KEPT = _says("idle_kept", _LIKELY, _NOTHING,
        "{client} kept its tunnel to {target} open after the answer, until the gate's idle limit.",
        "Nothing.")
    LIFETIME_OVER = _by(Outcome.LIFETIME_OVER, certainty=_LIKELY, cucm=_LATE_OR_SEND)
    HANDSHAKE_ONLY = _says("handshake_only", _POSSIBLE, _NOTHING,
        "{client} completed TLS with {target} and asked for nothing.",
        "Nothing, if it was a connection test. Otherwise the client did not accept the certificate or the name in it: "
        "`licensegate doctor {target}` shows both.")
    CLIENT_LEFT = _says("client_left", _LIKELY, _NOTHING,
        "{client} left before anything could go wrong.",
        "Nothing, if it was a check; otherwise look at the client's log at this time.")
    TRANSPORT_FINE = _says("transport_fine", _LIKELY, (CucmMessage.ACCOUNT,),
        "{target} answered {client}: network, proxy and TLS work.",
        "If licensing still fails, the answer says why: look at the token, the account and the product's clock.")

    # Is it the gate itself?
    GATE_FULL = _by(Outcome.TUNNELS_EXHAUSTED, Outcome.CONNECTIONS_EXHAUSTED, Outcome.CROWDED_OUT,
        Outcome.WAITING_BYTES_EXHAUSTED, Outcome.DESCRIPTORS_EXHAUSTED, label="gate_full")
    CLIENT_FULL = _by(Outcome.CLIENT_TUNNELS_EXHAUSTED, Outcome.CLIENT_CROWDED_OUT, label="client_full")
    CLIENT_TOO_FAST = _by(Outcome.CLIENT_RATE_EXCEEDED, Outcome.USER_RATE_EXCEEDED, label="client_too_fast")
    GATE_DRAINING = _by(Outcome.DRAINING, label="gate_draining")
    GATE_STOPPED = _by(Outcome.CUT_BEFORE_TUNNEL, Outcome.CUT_BY_STOP, label="gate_stopped")
    ACCESS_ENDED = _by(
        Outcome.REVOKED, Outcome.ENDED_BY_OPERATOR, Outcome.ENDED_BEFORE_TUNNEL, label="access_ended")
    INTERNAL_ERROR = _by(Outcome.INTERNAL_ERROR)
    GATE_CLOCK = _says("gate_clock", _LIKELY, _TRUST,
        "The clock of the gate's host is wrong, so the certificate of {target} cannot be judged.",
        "Set NTP on the gate's host, and check the clock of the product: both may ask the same server.")
    UNKNOWN = _says("unknown", _POSSIBLE, _NOTHING,
        "The gate has not seen why {client} and {target} did not come to terms.",
        "Compare with the client's log at this time; `licensegate doctor --bundle FILE` gathers what support needs.")
    # fmt: on

    label: str
    certainty: Certainty
    cucm: tuple[CucmMessage, ...]
    sentence: str
    remedy: str
    outcomes: tuple[Outcome, ...]

    def __new__(cls, label: str, *row: object) -> "Code":
        """Make the label the member's value, so that `Code("intercepted")` works."""
        member = object.__new__(cls)
        member._value_ = label
        return member

    def __init__(
        self,
        label: str,
        certainty: Certainty,
        cucm: tuple[CucmMessage, ...],
        sentence: str,
        remedy: str,
        outcomes: tuple[Outcome, ...],
    ) -> None:
        self.label = label
        self.certainty = certainty
        self.cucm = cucm
        self.sentence = sentence
        self.remedy = remedy
        self.outcomes = outcomes

    @property
    def is_problem(self) -> bool:
        """Whether somebody may have to change something."""
        return self not in _NO_PROBLEM


_NO_PROBLEM: Final = frozenset({Code.TRANSPORT_FINE, Code.IDLE_KEPT, Code.CLIENT_LEFT, Code.LOGIN_STALE})

PROBLEMS: Final = frozenset(code.label for code in Code if code.is_problem)
"""The labels of findings after which somebody may have to change something."""

OF_OUTCOME: Final = {outcome: code for code in Code for outcome in code.outcomes}
"""The finding of each outcome that says all there is."""
