"""How a client connection can end: the one table.

The status and body of an answer, the access log, the label of a metric, `docs/outcomes.md` and the diagnosis all read
these rows and add nothing of their own. A row's name is a contract: it is never reused for anything else.

Proxy error types are those of RFC 9209 section 2.3. `{client}`, `{target}`, `{listener}` and `{detail}` in a sentence
are filled from the record.
"""

import enum
from typing import Final


class Stage(enum.StrEnum):
    """How far a client connection had come when it ended."""

    ACCEPT = "accept"
    HELLO = "hello"
    HEAD = "head"
    LOGIN = "login"
    POLICY = "policy"
    RESOLVE = "resolve"
    DIAL = "dial"
    PARENT = "parent"
    INNER_HELLO = "inner_hello"
    RELAY = "relay"


class Party(enum.StrEnum):
    """Who ended it."""

    CLIENT = "client"
    GATE = "gate"
    UPSTREAM = "upstream"
    PARENT = "parent"


class ServerNameCheck(enum.StrEnum):
    """What the check of a tunnel's first bytes came to."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ABSENT = "absent"
    NOT_TLS = "not_tls"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"


class RefusalTaken(enum.StrEnum):
    """What a client did with its connection once it was refused.

    It ended it, broke it off, stayed until its time was over, or sent on until the gate had discarded enough.
    """

    CLOSED = "closed"
    RESET = "reset"
    STAYED = "stayed"
    SENT_ON = "sent_on"


class LoginResult(enum.StrEnum):
    """What became of a client's login, or of the lack of one."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a name
    UNKNOWN_USER = "unknown_user"
    UNUSABLE = "unusable"
    NOT_OFFERED = "not_offered"
    STALE = "stale"
    REPLAYED = "replayed"
    LIMITED = "limited"
    NOT_CHECKED = "not_checked"
    IMPOSSIBLE = "impossible"


_C, _G, _U, _P = Party.CLIENT, Party.GATE, Party.UPSTREAM, Party.PARENT


class Outcome(enum.Enum):
    """One way in which a client connection can end.

    `label` is the stable name; `status` the HTTP status of its answer, 0 where there is none; `error` the RFC 9209
    proxy error type, empty where none fits; `sentence` says what happened to whom, and `remedy` what to change.
    """

    # fmt: off
    CLOSED_UNUSED = ("closed_unused", Stage.ACCEPT, _C, 0, "",
        "{client} connected to {listener} and asked for nothing.",
        "Nothing: this is what a health check that only opens the port, or TLS on it, looks like.")
    CONNECTIONS_EXHAUSTED = ("connections_exhausted", Stage.ACCEPT, _G, 0, "",
        "{client} was closed at once because the gate holds as many connections as it may.",
        "Find out who opens so many, or raise limits.tunnels.")

    PROXY_HEADER_MISSING = ("proxy_header_missing", Stage.HELLO, _G, 0, "",
        "{client} is a balancer of {listener}, but its connection does not begin with a PROXY header: {detail}.",
        "Switch the PROXY protocol on in the balancer (HAProxy: send-proxy-v2), or take it out of proxy_protocol_from.")
    PROXY_HEADER_NOT_ALLOWED = ("proxy_header_not_allowed", Stage.HELLO, _G, 0, "",
        "{client} sent a PROXY header, which {listener} takes from its balancers only.",
        "Add the balancer's address to the listener's proxy_protocol_from.")
    NEITHER_HTTP_NOR_TLS = ("neither_http_nor_tls", Stage.HELLO, _G, 0, "",
        "{client} speaks neither HTTP nor TLS.",
        "Set the client to use an HTTP proxy, or take the gate's address out of it.")
    SSLV2_HELLO = ("sslv2_hello", Stage.HELLO, _G, 0, "",
        "{client} speaks SSL 2.0, or greets as if it did.",
        "Update the client: TLS 1.2 is the least that Cisco takes.")
    HELLO_MALFORMED = ("hello_malformed", Stage.HELLO, _G, 0, "",
        "The TLS ClientHello of {client} cannot be read: {detail}.",
        "Look for a client that is not a TLS client, or raise limits.hello_bytes.")
    HELLO_TIMEOUT = ("hello_timeout", Stage.HELLO, _G, 0, "",
        "{client} did not complete its first message in time.",
        "Look for a broken path between the client and the gate, such as one that loses large packets.")
    CLIENT_LEFT_IN_HELLO = ("client_left_in_hello", Stage.HELLO, _C, 0, "",
        "{client} left before its first message was complete.",
        "Look for a client that speaks neither HTTP nor TLS, or for a broken path between it and the gate.")
    HANDSHAKE_FAILED = ("handshake_failed", Stage.HELLO, _C, 0, "",
        "{client} speaks TLS to the gate itself, and the handshake failed: {detail}.",
        ("Use http:// for the address of the proxy, or mend what the detail names; a client that ends the connection "
        "without giving a reason may not trust the gate's certificate."))
    GATE_CERTIFICATE_REJECTED = ("gate_certificate_rejected", Stage.HELLO, _C, 0, "",
        "{client} speaks TLS to the gate itself and does not trust its certificate ({detail}).",
        "Use http:// for the address of the proxy, or have the client trust the gate's certificate.")
    SERVER_NAME_NOT_ALLOWED = ("server_name_not_allowed", Stage.POLICY, _G, 0, "",
        "{client} asks by TLS for {target}, which is neither the gate nor in the allowlist.",
        ("Look at the DNS override that brought it here; to allow the name, add an allowlist.rule for it; "
        "if it is a name of the gate, add it to tls.names."))

    CLIENT_LEFT_IN_HEAD = ("client_left_in_head", Stage.HEAD, _C, 0, "http_request_error",
        "{client} left before its request was complete.",
        "Look for a client that is not an HTTP client, or for a broken path between it and the gate.")
    HEALTH_ASKED = ("health_asked", Stage.HEAD, _G, 200, "",
        "{client} asked {listener} for /healthz and was answered that the gate lives.",
        "Nothing: this is what a balancer's health check looks like.")
    HEAD_TIMEOUT = ("head_timeout", Stage.HEAD, _G, 408, "http_request_error",
        "{client} did not complete its request in time.",
        "Look for a client that does not speak HTTP, or raise limits.head_seconds.")
    HEAD_TOO_LARGE = ("head_too_large", Stage.HEAD, _G, 431, "http_request_error",
        "The request's header fields are larger than the gate reads.",
        "Send fewer header fields, or raise limits.head_bytes.")
    REQUEST_LINE_TOO_LONG = ("request_line_too_long", Stage.HEAD, _G, 414, "http_request_error",
        "The request line is longer than the gate reads.",
        "Send CONNECT host:port; or raise limits.head_bytes.")
    HEAD_MALFORMED = ("head_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The request is not a valid HTTP/1 request: {detail}.",
        "Set the client to use an HTTP proxy; what it sent is not what one expects.")
    VERSION_NOT_SUPPORTED = ("version_not_supported", Stage.HEAD, _G, 505, "http_request_error",
        "The gate speaks HTTP/1.1 and HTTP/1.0 only.",
        "Set the client to HTTP/1.1 towards its proxy.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", Stage.HEAD, _G, 405, "http_request_denied",
        "The gate serves CONNECT only, for HTTPS through a tunnel.",
        "Use the gate as the proxy of an https:// URL.")
    GATE_IS_NO_GATEWAY = ("gate_is_no_gateway", Stage.HEAD, _G, 405, "http_request_denied",
        "The gate's address was typed as a Transport Gateway or satellite URL, but it is a proxy.",
        ("In CUCM, System > Licensing > License Management > View/Edit, choose HTTP/HTTPS Proxy and type the gate's "
        "address and port there; on the command line: license smart transport proxy <address> <port>."))
    HTTP_WITHOUT_TUNNEL = ("http_without_tunnel", Stage.HEAD, _G, 405, "http_request_denied",
        "{client} asks the gate to fetch an http:// URL; it carries HTTPS through a tunnel only.",
        "Give the product an https:// URL; what has only http://, such as a certificate list, take another way.")
    BODY_NOT_ALLOWED = ("body_not_allowed", Stage.HEAD, _G, 400, "http_request_error",
        "A CONNECT carries no body, but this one announces one ({detail}).",
        "Remove Content-Length and Transfer-Encoding from the CONNECT.")
    HOST_MALFORMED = ("host_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The request's Host field is not usable: {detail}.",
        "Send one Host field, or none: the gate goes by the target in the request line.")
    TARGET_MALFORMED = ("target_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The target is not a host and port: {detail}.",
        "Send CONNECT host:port, for example CONNECT tools.cisco.com:443.")
    TARGET_IS_URL = ("target_is_url", Stage.HEAD, _G, 400, "http_request_error",
        "The target is a URL, where a host and port belong.",
        "Send CONNECT host:port, for example CONNECT tools.cisco.com:443.")
    PROXY_LOOP = ("proxy_loop", Stage.HEAD, _G, 502, "proxy_loop_detected",
        "The request for {target} has been through this gate before: its Via names the gate.",
        "Look at the proxies on the way: one of them sends what comes from the gate back to it.")

    LOGIN_REQUIRED = ("login_required", Stage.LOGIN, _G, 407, "http_request_denied",
        "{client} must log in, and sent no login.",
        ("Nothing, if the login comes on the next connection; else give the client a user and password, or add its "
        "address to auth.trusted_networks."))
    LOGIN_UNANSWERED = ("login_unanswered", Stage.LOGIN, _G, 407, "http_request_denied",
        "{client} must log in, and has not answered earlier requests to do so: {detail}.",
        ("Give the client a user and password, and for Java offer Digest (auth.htdigest); if it cannot log in, add its "
        "address to auth.trusted_networks."))
    LOGIN_REFUSED = ("login_refused", Stage.LOGIN, _G, 407, "http_request_denied",
        "The login of {client} is wrong: user or password.",
        "Type both again in the client; if the password was forgotten, set it anew with `licensegate passwd`.")
    LOGIN_UNUSABLE = ("login_unusable", Stage.LOGIN, _G, 407, "http_request_denied",
        "The login of {client} cannot be used: {detail}.",
        "Have the client log in by a scheme that is offered to it; auth.schemes names them.")
    LOGIN_STALE = ("login_stale", Stage.LOGIN, _G, 407, "http_request_denied",
        "The login of {client} is right, but was made for an earlier request: {detail}.",
        "Nothing: the client logs in again by itself; if it does not, update it.")
    LOGIN_LIMITED = ("login_limited", Stage.LOGIN, _G, 429, "http_request_denied",
        "Too many logins from {client} were wrong: {detail}.",
        "Correct the password in the client and wait a minute; find out who tries, if it is none of yours.")
    LOGIN_NOT_CHECKED = ("login_not_checked", Stage.LOGIN, _G, 503, "proxy_internal_error",
        "The login of {client} could not be checked: {detail}.",
        "Try again in a moment; find out who logs in so often, or use hashes that are faster to check.")
    LOGIN_IMPOSSIBLE = ("login_impossible", Stage.LOGIN, _G, 0, "",
        "{client} speaks TLS to {target} through the gate without asking it as a proxy, and so cannot log in.",
        "Have the client use the gate as its proxy, or, unless a rule names users, add it to auth.trusted_networks.")
    CERTIFICATE_REQUIRED = ("certificate_required", Stage.LOGIN, _G, 403, "http_request_denied",
        "{client} must show a certificate, and showed none.",
        "Give the client a certificate that auth.client_ca has signed, and an https:// address for its proxy.")
    CLIENT_LEFT_IN_LOGIN = ("client_left_in_login", Stage.LOGIN, _C, 0, "",
        "{client} left before its login was checked.",
        "Look at the times in the record: the client may wait for less time than the check takes.")

    CLIENT_NOT_ALLOWED = ("client_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{client} is not in the networks that may use the gate.",
        "Add its network to clients.networks.")
    TARGET_NOT_ALLOWED = ("target_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist.",
        "Check the address that the product was given; to allow it, add an allowlist.rule for it.")
    TARGET_IN_PRESET = ("target_in_preset", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist, but the preset {detail} would allow it.",
        "Add that preset to allowlist.presets.")
    TARGET_PORT_NOT_ALLOWED = ("target_port_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist: the host is, on port {detail}.",
        "Restore the product's default URL; to allow this port, add an allowlist.rule with it.")
    TARGET_IS_ADDRESS = ("target_is_address", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is an IP address, and the allowlist goes by name.",
        "Use the host name in the product's URL: Cisco's certificates carry names only.")
    TARGET_NOT_FOR_CLIENT = ("target_not_for_client", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is in the allowlist, but its rule is not for {client} (by its {detail}).",
        "To allow it, add the client to these keys of the allowlist.rule.")
    TUNNELS_EXHAUSTED = ("tunnels_exhausted", Stage.POLICY, _G, 503, "connection_limit_reached",
        "The gate serves as many connections as it may.",
        "Try again later; find out who opens so many, or raise limits.tunnels.")
    CLIENT_TUNNELS_EXHAUSTED = ("client_tunnels_exhausted", Stage.POLICY, _G, 429, "connection_limit_reached",
        "{client} holds as many connections as one client may.",
        "Try again later; find out why it opens so many, or raise limits.tunnels_per_client.")
    DRAINING = ("draining", Stage.POLICY, _G, 503, "connection_limit_reached",
        "The gate is stopping and takes no new tunnels.",
        "Try again in a moment.")

    CLIENT_LEFT_IN_DIAL = ("client_left_in_dial", Stage.DIAL, _C, 0, "",
        "{client} left before {target} could be reached.",
        "Look at the times in the record: the client may wait for less time than the target takes.")
    CUT_BEFORE_TUNNEL = ("cut_before_tunnel", Stage.DIAL, _G, 0, "",
        "The gate stopped before {client} had its tunnel.",
        "Try again in a moment.")
    DNS_NOT_FOUND = ("dns_not_found", Stage.RESOLVE, _U, 502, "dns_error",
        "The name of {target} does not exist, says the gate's resolver.",
        "Check the gate's DNS server: it must resolve Cisco's public names.")
    DNS_FAILED = ("dns_failed", Stage.RESOLVE, _U, 502, "dns_error",
        "The gate's resolver could not answer for {target}: {detail}.",
        "Check the gate's DNS server and the path to it.")
    DNS_TIMEOUT = ("dns_timeout", Stage.RESOLVE, _G, 504, "dns_timeout",
        "The gate's resolver gave no answer for {target} in time.",
        "Check the gate's DNS server and the path to it.")
    DESTINATION_IP_PROHIBITED = ("destination_ip_prohibited", Stage.RESOLVE, _G, 502, "destination_ip_prohibited",
        "{target} resolves only to addresses that are not public: {detail}.",
        "Exempt the host from the DNS filter; for a server of your own, set private = true in its allowlist.rule.")
    TARGET_IS_GATE = ("target_is_gate", Stage.RESOLVE, _G, 502, "proxy_loop_detected",
        "{target} resolves to the gate itself ({detail}).",
        ("Remove the DNS override on the gate's own resolver, or name Cisco's address in dial.connect_to; "
        "for a server of your own on this host, set private = true in its allowlist.rule."))
    CONNECTION_REFUSED = ("connection_refused", Stage.DIAL, _U, 502, "connection_refused",
        "{target} refused the connection ({detail}).",
        "Look for a firewall that rejects: outgoing TCP from the gate to this port must be allowed.")
    CONNECTION_TIMEOUT = ("connection_timeout", Stage.DIAL, _G, 504, "connection_timeout",
        "{target} did not answer in time ({detail}).",
        "Look for a firewall that drops: outgoing TCP from the gate to this port must be allowed.")
    DESTINATION_UNREACHABLE = ("destination_unreachable", Stage.DIAL, _U, 502, "destination_ip_unroutable",
        "There is no route to {target} ({detail}).",
        "Check the gate's default route and the firewall on the way.")
    DIAL_FAILED = ("dial_failed", Stage.DIAL, _G, 502, "destination_unavailable",
        "{target} could not be dialled: {detail}.",
        "Look at the error named here.")
    DESCRIPTORS_EXHAUSTED = ("descriptors_exhausted", Stage.DIAL, _G, 503, "proxy_internal_error",
        "The gate has no file descriptor left to dial {target}.",
        "Raise the limit on open files (ulimit -n, LimitNOFILE), or lower limits.tunnels.")

    PARENT_UNREACHABLE = ("parent_unreachable", Stage.PARENT, _P, 502, "destination_unavailable",
        "The parent proxy cannot be reached: {detail}.",
        "Check the address in parent.url, and that the firewall lets the gate through to it.")
    PARENT_TIMEOUT = ("parent_timeout", Stage.PARENT, _G, 504, "connection_timeout",
        "The parent proxy did not open the tunnel to {target} in time: {detail}.",
        "Look at the parent proxy: it is down, overloaded, or cannot reach the target itself.")
    PARENT_BROKE_OFF = ("parent_broke_off", Stage.PARENT, _P, 502, "connection_terminated",
        "The parent proxy broke off before there was a tunnel to {target}: {detail}.",
        "Check that parent.url names an HTTP proxy, and whether it wants https or http; then look at its log.")
    PARENT_ANSWER_MALFORMED = ("parent_answer_malformed", Stage.PARENT, _G, 502, "http_protocol_error",
        "What the parent proxy answers is not the answer of an HTTP proxy: {detail}.",
        "Check that parent.url names an HTTP proxy, and whether it wants https or http.")
    PARENT_TLS_FAILED = ("parent_tls_failed", Stage.PARENT, _G, 502, "tls_protocol_error",
        "TLS to the parent proxy itself failed: {detail}.",
        "Write http:// in parent.url if the parent speaks no TLS on this port; else mend what the detail names.")
    PARENT_CERTIFICATE_REJECTED = ("parent_certificate_rejected", Stage.PARENT, _G, 502, "tls_certificate_error",
        "The gate does not trust the certificate of the parent proxy: {detail}.",
        "Name the root that signed it in parent.ca, and in parent.url a name that is in the certificate.")
    PARENT_IS_GATE = ("parent_is_gate", Stage.PARENT, _G, 502, "proxy_loop_detected",
        "The address of the parent proxy is the gate's own: {detail}.",
        "Correct parent.url.")
    PARENT_LOOP = ("parent_loop", Stage.PARENT, _P, 502, "proxy_loop_detected",
        "The parent proxy found the request for {target} going in a circle: {detail}.",
        "Look at the proxies behind the parent: one of them sends what comes from the gate back to it.")
    PARENT_REFUSED = ("parent_refused", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy refuses {target}: {detail}.",
        "Have {target} allowed there, for the gate's address and login; status and reason are the parent's own.")
    PARENT_TARGET_FAILED = ("parent_target_failed", Stage.PARENT, _P, 502, "destination_unavailable",
        "The parent proxy could not reach {target}: {detail}.",
        "Look at the parent's own log: its DNS or its way to {target} is broken.")
    PARENT_LOGIN_REQUIRED = ("parent_login_required", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy wants a login, and the settings have none for it: {detail}.",
        "Set parent.username and parent.password_file, or let the gate's address pass without a login there.")
    PARENT_LOGIN_UNSUPPORTED = ("parent_login_unsupported", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy offers no login that the gate can do by its settings: {detail}.",
        "Set parent.auth to auto or to what it offers; Negotiate needs licensegate[kerberos] and a way to tickets.")
    PARENT_LOGIN_REFUSED = ("parent_login_refused", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy refused the gate's login: {detail}.",
        ("Correct the user name or the password; lest the account be locked, a refused password is not tried again "
        "until its file or the settings change."))
    PARENT_LOGIN_FAILED = ("parent_login_failed", Stage.PARENT, _G, 502, "proxy_configuration_error",
        "The gate could not log in to the parent proxy: {detail}.",
        "Mend what the detail names.")
    PARENTS_EXHAUSTED = ("parents_exhausted", Stage.PARENT, _P, 502, "destination_unavailable",
        "None of the parent proxies could be used for {target}: {detail}.",
        "Look at the first of them: the others were only tried because it could not be used.")

    CLIENT_LEFT_IN_INNER_HELLO = ("client_left_in_inner_hello", Stage.INNER_HELLO, _C, 200, "",
        "{client} left its tunnel to {target} before it had said anything whole in it.",
        "Look at the client's log: it asked for the tunnel and did not use it.")
    INNER_HELLO_TIMEOUT = ("inner_hello_timeout", Stage.INNER_HELLO, _G, 200, "",
        "{client} did not begin TLS in its tunnel to {target} in time.",
        "Look for a client that waits for the server to speak first: only TLS passes; or raise limits.hello_seconds.")
    INNER_NOT_TLS = ("inner_not_tls", Stage.INNER_HELLO, _G, 200, "",
        "What {client} sent through its tunnel to {target} is not TLS: {detail}.",
        "Find out what uses the tunnel; if it is meant to, set require_tls = false in the allowlist.rule.")
    INNER_HELLO_MALFORMED = ("inner_hello_malformed", Stage.INNER_HELLO, _G, 200, "",
        "The TLS ClientHello of {client} in its tunnel to {target} cannot be read: {detail}.",
        "Find out what uses the tunnel; a client with a very large hello needs more limits.hello_bytes.")
    SERVER_NAME_MISMATCH = ("server_name_mismatch", Stage.INNER_HELLO, _G, 200, "",
        "{client} asked for a tunnel to {target}, and in it for the server {detail}.",
        "Find out what uses the tunnel; if it is meant to, set match_server_name = false in the allowlist.rule.")
    SERVER_NAME_ABSENT = ("server_name_absent", Stage.INNER_HELLO, _G, 200, "",
        "{client} names no server in its tunnel to {target}, and one is required.",
        "Update the client, or set require_server_name = false for its network or rule.")

    CLOSED_BY_CLIENT = ("closed_by_client", Stage.RELAY, _C, 200, "",
        "The tunnel to {target} ended normally; the client closed first.",
        "Nothing.")
    CLOSED_BY_UPSTREAM = ("closed_by_upstream", Stage.RELAY, _U, 200, "",
        "The tunnel to {target} ended normally; the target closed first.",
        "Nothing.")
    RESET_BY_CLIENT = ("reset_by_client", Stage.RELAY, _C, 200, "connection_terminated",
        "{client} broke off the tunnel to {target} ({detail}).",
        "Nothing, if it happens now and then; else look at the client's log at this time.")
    RESET_BY_UPSTREAM = ("reset_by_upstream", Stage.RELAY, _U, 200, "connection_terminated",
        "{target} broke off the tunnel ({detail}).",
        "Look for a firewall or an intrusion filter that resets connections to Cisco.")
    IDLE_TIMEOUT = ("idle_timeout", Stage.RELAY, _G, 200, "connection_read_timeout",
        "The tunnel to {target} carried nothing for as long as it may.",
        "Nothing, if the client had forgotten it; else raise limits.idle_seconds.")
    HALF_CLOSED_TIMEOUT = ("half_closed_timeout", Stage.RELAY, _G, 200, "connection_read_timeout",
        "One side of the tunnel to {target} had ended and the other carried nothing for as long as it may.",
        "Nothing, if the peer had vanished; else raise limits.half_closed_seconds.")
    CUT_BY_STOP = ("cut_by_stop", Stage.RELAY, _G, 200, "connection_terminated",
        "The gate stopped while the tunnel to {target} was open.",
        "Raise limits.drain_seconds, and the time that whoever stops the gate grants it.")
    INTERNAL_ERROR = ("internal_error", Stage.ACCEPT, _G, 500, "proxy_internal_error",
        "A fault in the gate ended this connection.",
        "Report it, with the traceback in the service log.")
    # fmt: on

    label: str
    stage: Stage
    ended_by: Party
    status: int
    error: str
    sentence: str
    remedy: str

    def __new__(cls, label: str, *row: object) -> "Outcome":
        """The label is the member's value: `Outcome("dns_timeout")`, and what a record is encoded to."""
        member = object.__new__(cls)
        member._value_ = label
        return member

    def __init__(
        self, label: str, stage: Stage, ended_by: Party, status: int, error: str, sentence: str, remedy: str
    ) -> None:
        self.label = label
        self.stage = stage
        self.ended_by = ended_by
        self.status = status
        self.error = error
        self.sentence = sentence
        self.remedy = remedy


PROBES: Final = (Outcome.CLOSED_UNUSED, Outcome.HEALTH_ASKED)
"""How a balancer's probe ends. There may be one each second, so they are counted, and neither logged nor shown."""
