"""The table of how a client connection can end.

Answers to clients, the access log, metrics, `docs/outcomes.md` and the diagnosis take status, label and text from these
rows. Labels are a contract: the meaning of a label never changes.

Proxy error types are those of RFC 9209 section 2.3. `{client}`, `{target}`, `{listener}` and `{detail}` are filled in
from the record.
"""

import enum
from typing import Final


class Stage(enum.StrEnum):
    """How far a client connection got before it ended."""

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
    """Who ended the connection."""

    CLIENT = "client"
    GATE = "gate"
    UPSTREAM = "upstream"
    PARENT = "parent"


_C, _G, _U, _P = Party.CLIENT, Party.GATE, Party.UPSTREAM, Party.PARENT


class Outcome(enum.Enum):
    """One way a client connection can end.

    `label` is its stable name, `status` the HTTP status of the answer (0 if there is none), `error` the RFC 9209 proxy
    error type (empty if none fits). `sentence` says what happened to whom, `remedy` what to change.
    """

    # fmt: off
    CLOSED_UNUSED = ("closed_unused", Stage.ACCEPT, _C, 0, "",
        "{client} connected to {listener} and sent no request.",
        "Nothing: a health check that only opens the port, or TLS on it, looks like this.")
    CONNECTIONS_EXHAUSTED = ("connections_exhausted", Stage.ACCEPT, _G, 0, "",
        "The connection of {client} was closed at once: the gate is at its limit of connections.",
        "Find out which clients open so many connections, or raise limits.tunnels.")
    CROWDED_OUT = ("crowded_out", Stage.ACCEPT, _G, 0, "",
        "{client} had not sent a whole request, and was closed to make room: the gate is at its limit of connections.",
        ("Find out which clients open so many connections without using them, or raise limits.tunnels and the limit on "
        "open files (ulimit -n, LimitNOFILE)."))
    CLIENT_CROWDED_OUT = ("client_crowded_out", Stage.ACCEPT, _G, 0, "",
        ("{client} had not sent a whole request, and was closed to make room for a newer connection: it has as many "
        "that wait as one client may have."),
        ("Find out why the client opens so many connections without using them; if it is many clients behind one "
        "address, raise limits.waiting_per_client."))
    WAITING_BYTES_EXHAUSTED = ("waiting_bytes_exhausted", Stage.ACCEPT, _G, 0, "",
        "{client} was closed before it had a tunnel: such connections take as much memory as the gate allows.",
        ("Find out which clients send large first messages or open TLS without a request, or raise "
        "limits.waiting_bytes."))

    PROXY_HEADER_MISSING = ("proxy_header_missing", Stage.HELLO, _G, 0, "",
        "{client} is a balancer of {listener}, but its connection does not begin with a PROXY header: {detail}.",
        "Switch on the PROXY protocol in the balancer (HAProxy: send-proxy-v2), or remove it from proxy_protocol_from.")
    PROXY_HEADER_NOT_ALLOWED = ("proxy_header_not_allowed", Stage.HELLO, _G, 0, "",
        "{client} sent a PROXY header, which {listener} accepts only from its balancers.",
        "Add the balancer's address to the listener's proxy_protocol_from.")
    NEITHER_HTTP_NOR_TLS = ("neither_http_nor_tls", Stage.HELLO, _G, 0, "",
        "{client} speaks neither HTTP nor TLS: {detail}.",
        "Configure the gate as an HTTP proxy in the client, or remove the gate's address from the client.")
    SSLV2_HELLO = ("sslv2_hello", Stage.HELLO, _G, 0, "",
        "{client} sent an SSL 2.0 ClientHello.",
        "Update the client: Cisco requires TLS 1.2 or newer.")
    HELLO_MALFORMED = ("hello_malformed", Stage.HELLO, _G, 0, "",
        "The TLS ClientHello of {client} cannot be read: {detail}.",
        "Check that the client speaks TLS; if its ClientHello is only too large, raise limits.hello_bytes.")
    HELLO_TIMEOUT = ("hello_timeout", Stage.HELLO, _G, 0, "",
        "{client} did not complete its first message in time.",
        "Check the network between the client and the gate; for example, it may drop large packets.")
    CLIENT_LEFT_IN_HELLO = ("client_left_in_hello", Stage.HELLO, _C, 0, "",
        "{client} disconnected before its first message was complete.",
        "Nothing, if it was a check; otherwise look for packets that are lost between the client and the gate.")
    HANDSHAKE_FAILED = ("handshake_failed", Stage.HELLO, _C, 0, "",
        "The TLS handshake of {client} with the gate itself failed: {detail}.",
        ("Use an http:// proxy address in the client, or fix the problem named above; a client that disconnects "
        "without giving a reason may not trust the gate's certificate."))
    GATE_CERTIFICATE_REJECTED = ("gate_certificate_rejected", Stage.HELLO, _C, 0, "",
        "{client} does not trust the gate's certificate ({detail}).",
        ("If the client means a proxy, use an http:// proxy address in it, or make it trust the gate's certificate. If "
        "not, DNS or a URL leads it here: enter the gate as its HTTP proxy."))
    CLOSED_AFTER_HANDSHAKE = ("closed_after_handshake", Stage.HEAD, _C, 0, "",
        "{client} completed TLS with the gate on {listener} and closed the connection without a request.",
        ("Nothing, if it is a balancer's health check; otherwise the client probably does not accept the name in the "
        "gate's certificate: use that name in its proxy address, serve a certificate for the one that it uses, or use "
        "an http:// proxy address."))
    TLS_FAILED = ("tls_failed", Stage.HEAD, _G, 0, "",
        "The gate ended the TLS of {client} with the gate itself, after the handshake: {detail}.",
        ("Check that nothing between the client and the gate changes what they send, and update the client; or use an "
        "http:// proxy address."))
    SERVER_NAME_NOT_ALLOWED = ("server_name_not_allowed", Stage.POLICY, _G, 0, "",
        "{client} opened TLS for {target}, which is neither a name of the gate nor in the allowlist.",
        ("Check the DNS override that sends it here; to allow the name, add an allowlist.rule for it; if it is a "
        "name of the gate, add it to tls.names."))

    CLIENT_LEFT_IN_HEAD = ("client_left_in_head", Stage.HEAD, _C, 0, "http_request_error",
        "{client} disconnected before its request was complete.",
        "Check that the client speaks HTTP, and check the network between it and the gate.")
    HEALTH_ASKED = ("health_asked", Stage.HEAD, _G, 200, "",
        "{client} requested /healthz on {listener} and got 200.",
        "Nothing: a balancer's health check looks like this.")
    HEAD_TIMEOUT = ("head_timeout", Stage.HEAD, _G, 408, "http_request_error",
        "{client} did not complete its request in time.",
        "Check that the client speaks HTTP, or raise limits.head_seconds.")
    HEAD_TOO_LARGE = ("head_too_large", Stage.HEAD, _G, 431, "http_request_error",
        "The request's header fields are longer than the gate's limit.",
        "Send fewer header fields, or raise limits.head_bytes.")
    REQUEST_LINE_TOO_LONG = ("request_line_too_long", Stage.HEAD, _G, 414, "http_request_error",
        "The request line is longer than the gate's limit.",
        "Send CONNECT host:port, or raise limits.head_bytes.")
    HEAD_MALFORMED = ("head_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The request is not a valid HTTP/1 request: {detail}.",
        "Configure the gate as an HTTP proxy in the client: it sent something else.")
    VERSION_NOT_SUPPORTED = ("version_not_supported", Stage.HEAD, _G, 505, "http_request_error",
        "The gate supports HTTP/1.1 and HTTP/1.0 only.",
        "Make the client use HTTP/1.1 to its proxy.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", Stage.HEAD, _G, 405, "http_request_denied",
        "The gate supports CONNECT only, for HTTPS through a tunnel.",
        "Use the gate as the proxy for an https:// URL.")
    GATE_IS_NO_GATEWAY = ("gate_is_no_gateway", Stage.HEAD, _G, 405, "http_request_denied",
        "The gate's address was entered as a Transport Gateway or satellite URL, but the gate is a proxy.",
        ("In CUCM, System > Licensing > License Management > View/Edit, choose HTTP/HTTPS Proxy and enter the gate's "
        "address and port there; on the command line: license smart transport proxy <address> <port>."))
    HTTP_WITHOUT_TUNNEL = ("http_without_tunnel", Stage.HEAD, _G, 405, "http_request_denied",
        "{client} asked the gate to fetch an http:// URL, but it only carries HTTPS through a tunnel.",
        "Give the product an https:// URL; fetch what exists only at http://, such as a revocation list, another way.")
    HTTPS_WITHOUT_TUNNEL = ("https_without_tunnel", Stage.HEAD, _G, 405, "http_request_denied",
        "{client} asked the gate to fetch an https:// URL itself instead of opening a tunnel to its host.",
        "Make the client send CONNECT for https:// URLs: it does use the gate as its proxy, but asks for the page.")
    BODY_NOT_ALLOWED = ("body_not_allowed", Stage.HEAD, _G, 400, "http_request_error",
        "A CONNECT has no body, but this one announces one ({detail}).",
        "Remove Content-Length and Transfer-Encoding from the CONNECT.")
    HOST_MALFORMED = ("host_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The request's Host field is invalid: {detail}.",
        "Send one Host field, or none: the gate uses the target in the request line.")
    TARGET_MALFORMED = ("target_malformed", Stage.HEAD, _G, 400, "http_request_error",
        "The target is not a host and port: {detail}.",
        "Send CONNECT host:port, for example CONNECT tools.cisco.com:443.")
    TARGET_IS_URL = ("target_is_url", Stage.HEAD, _G, 400, "http_request_error",
        "The target is a URL instead of a host and port.",
        "Send CONNECT host:port, for example CONNECT tools.cisco.com:443.")
    PROXY_LOOP = ("proxy_loop", Stage.HEAD, _G, 502, "proxy_loop_detected",
        "The request for {target} has already passed through this gate: its Via field names the gate.",
        "Check the proxies on the way: one of them sends the gate's requests back to it.")

    LOGIN_REQUIRED = ("login_required", Stage.LOGIN, _G, 407, "http_request_denied",
        "{client} must log in, but sent no login.",
        ("Nothing, if the client logs in on its next connection; otherwise give it a user name and password, or add "
        "its address to auth.trusted_networks."))
    LOGIN_UNANSWERED = ("login_unanswered", Stage.LOGIN, _G, 407, "http_request_denied",
        "{client} must log in, but did not answer earlier requests to do so: {detail}.",
        ("Give the client a user name and password, or a login that it can send (docs/logins.md); if it cannot log in, "
        "add its address to auth.trusted_networks."))
    LOGIN_REFUSED = ("login_refused", Stage.LOGIN, _G, 407, "http_request_denied",
        "{client} sent a wrong user name or password.",
        "Enter both again in the client; if the password is lost, set a new one with `licensegate passwd`.")
    LOGIN_UNUSABLE = ("login_unusable", Stage.LOGIN, _G, 407, "http_request_denied",
        "The login of {client} cannot be used: {detail}.",
        "Make the client log in with a scheme that the gate offers; auth.schemes lists them.")
    LOGIN_STALE = ("login_stale", Stage.LOGIN, _G, 407, "http_request_denied",
        "The login of {client} is correct, but belongs to an earlier request: {detail}.",
        "Nothing: the client logs in again by itself; if it does not, update it.")
    LOGIN_LIMITED = ("login_limited", Stage.LOGIN, _G, 429, "http_request_denied",
        "Too many logins of {client} were wrong: {detail}.",
        "Correct the password in the client and wait a minute; if it is not your client, find out who is guessing.")
    LOGIN_NOT_CHECKED = ("login_not_checked", Stage.LOGIN, _G, 503, "proxy_internal_error",
        "The login of {client} could not be checked: {detail}.",
        ("Try again in a moment; find out which clients log in so often, or use password hashes that are faster to "
        "check."))
    LOGIN_IMPOSSIBLE = ("login_impossible", Stage.LOGIN, _G, 0, "",
        "{client} opened TLS to {target} without asking the gate for a tunnel, so it cannot log in.",
        ("Configure the gate as the client's proxy or, unless a rule names users, add the client to "
        "auth.trusted_networks."))
    CERTIFICATE_REQUIRED = ("certificate_required", Stage.LOGIN, _G, 403, "http_request_denied",
        "{client} must present a certificate, but presented none.",
        "Give the client a certificate signed by auth.client_ca, and an https:// address for its proxy.")
    CLIENT_LEFT_IN_LOGIN = ("client_left_in_login", Stage.LOGIN, _C, 0, "",
        "{client} disconnected before its login was checked.",
        "Look at the times in the record: the client may give up sooner than the check takes.")

    CLIENT_NOT_ALLOWED = ("client_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{client} is not in the networks that may use the gate.",
        "Add its network to clients.networks.")
    TARGET_NOT_ALLOWED = ("target_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist.",
        "Check the URL configured in the product; to allow this target, add an allowlist.rule for it.")
    TARGET_IN_PRESET = ("target_in_preset", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist, but the preset {detail} would allow it.",
        "Add that preset to allowlist.presets.")
    TARGET_PORT_NOT_ALLOWED = ("target_port_not_allowed", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is not in the allowlist: its host is allowed on port {detail} only.",
        "Restore the product's default URL; to allow this port, add an allowlist.rule with it.")
    TARGET_IS_ADDRESS = ("target_is_address", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is an IP address, but the allowlist works by host name.",
        "Use the host name in the product's URL: Cisco's certificates contain names only.")
    TARGET_NOT_FOR_CLIENT = ("target_not_for_client", Stage.POLICY, _G, 403, "http_request_denied",
        "{target} is in the allowlist, but {client} does not match its rule's {detail}.",
        "To allow it, add the client to these keys of the allowlist.rule.")
    TUNNELS_EXHAUSTED = ("tunnels_exhausted", Stage.POLICY, _G, 503, "connection_limit_reached",
        "The gate is at its limit of connections.",
        ("Try again later; find out which clients open so many connections, or raise limits.tunnels; if the service "
        "log says that too few open files are allowed, raise that limit first."))
    CLIENT_TUNNELS_EXHAUSTED = ("client_tunnels_exhausted", Stage.POLICY, _G, 429, "connection_limit_reached",
        "{client} has as many connections open as one client may have.",
        "Try again later; find out why the client opens so many, or raise limits.tunnels_per_client.")
    CLIENT_RATE_EXCEEDED = ("client_rate_exceeded", Stage.POLICY, _G, 429, "connection_limit_reached",
        "{client} opens connections faster than one client may: {detail}.",
        ("Find out why the client connects so often; if it is many clients behind one address, raise "
        "limits.connections_per_client_per_second or limits.burst."))
    USER_RATE_EXCEEDED = ("user_rate_exceeded", Stage.POLICY, _G, 429, "connection_limit_reached",
        "{client} asks for tunnels faster than its user may: {detail}.",
        ("Find out which clients use this login and why they connect so often, or raise "
        "limits.tunnels_per_user_per_second or limits.burst."))
    DRAINING = ("draining", Stage.POLICY, _G, 503, "connection_limit_reached",
        "The gate is stopping and accepts no new tunnels.",
        "Try again in a moment.")

    CLIENT_LEFT_IN_DIAL = ("client_left_in_dial", Stage.DIAL, _C, 0, "",
        "{client} disconnected before {target} was reached.",
        "Look at the times in the record: the client may give up sooner than the target can be reached.")
    CUT_BEFORE_TUNNEL = ("cut_before_tunnel", Stage.DIAL, _G, 0, "",
        "The gate stopped before the tunnel of {client} was open.",
        "Try again in a moment.")
    ENDED_BEFORE_TUNNEL = ("ended_before_tunnel", Stage.DIAL, _G, 403, "http_request_denied",
        "The connection of {client} was ended before its tunnel was open: {detail}.",
        "Ask who is named above. If the client may still use the gate, it can try again at once.")
    DNS_NOT_FOUND = ("dns_not_found", Stage.RESOLVE, _U, 502, "dns_error",
        "The gate's resolver says that the name of {target} does not exist.",
        "Check the gate's DNS server: it must resolve Cisco's public names.")
    DNS_EMPTY = ("dns_empty", Stage.RESOLVE, _U, 502, "dns_error",
        "The gate's resolver knows the name of {target}, but has no address for it.",
        "Check the gate's DNS server: a DNS filter or a zone of your own answers for the name with nothing in it.")
    DNS_FAILED = ("dns_failed", Stage.RESOLVE, _U, 502, "dns_error",
        "The gate's resolver could not answer for {target}: {detail}.",
        "Check the gate's DNS server and the path to it.")
    DNS_TIMEOUT = ("dns_timeout", Stage.RESOLVE, _G, 504, "dns_timeout",
        "The gate's resolver did not answer for {target} in time.",
        "Check the gate's DNS server and the path to it.")
    DESTINATION_IP_PROHIBITED = ("destination_ip_prohibited", Stage.RESOLVE, _G, 502, "destination_ip_prohibited",
        "{target} resolves only to addresses that are not public: {detail}.",
        ("For a server of your own, set private = true in its allowlist.rule; for any other, find out what answers so: "
        "a DNS filter or an override."))
    TARGET_IS_GATE = ("target_is_gate", Stage.RESOLVE, _G, 502, "proxy_loop_detected",
        "{target} resolves to an address and port that the gate itself listens on ({detail}).",
        ("Remove the DNS override on the gate's own resolver, or set Cisco's address in dial.connect_to; for a "
        "server of your own on this host, set private = true in its allowlist.rule."))
    CONNECTION_REFUSED = ("connection_refused", Stage.DIAL, _U, 502, "connection_refused",
        "{target} refused the connection ({detail}).",
        "Look for a firewall that rejects connections: outgoing TCP from the gate to this port must be allowed.")
    CONNECTION_TIMEOUT = ("connection_timeout", Stage.DIAL, _G, 504, "connection_timeout",
        "{target} did not answer in time ({detail}).",
        "Look for a firewall that drops packets: outgoing TCP from the gate to this port must be allowed.")
    DESTINATION_UNREACHABLE = ("destination_unreachable", Stage.DIAL, _U, 502, "destination_ip_unroutable",
        "There is no route to {target} ({detail}).",
        "Check the gate's default route and the firewall on the way.")
    DIAL_FAILED = ("dial_failed", Stage.DIAL, _G, 502, "destination_unavailable",
        "{target} could not be dialled: {detail}.",
        "Look at the error named above.")
    DESCRIPTORS_EXHAUSTED = ("descriptors_exhausted", Stage.DIAL, _G, 503, "proxy_internal_error",
        "The gate has no free file descriptor to dial {target}.",
        "Raise the limit on open files (ulimit -n, LimitNOFILE), or lower limits.tunnels.")

    PARENT_UNREACHABLE = ("parent_unreachable", Stage.PARENT, _P, 502, "destination_unavailable",
        "The parent proxy cannot be reached: {detail}.",
        "Check the address in parent.url, and that the firewall lets the gate connect to it.")
    PARENT_TIMEOUT = ("parent_timeout", Stage.PARENT, _G, 504, "connection_timeout",
        "The parent proxy did not open the tunnel to {target} in time: {detail}.",
        "Check the parent proxy: it may be down, overloaded, or unable to reach the target.")
    PARENT_BROKE_OFF = ("parent_broke_off", Stage.PARENT, _P, 502, "connection_terminated",
        "The parent proxy disconnected before the tunnel to {target} was open: {detail}.",
        ("Check that parent.url names an HTTP proxy and has the right scheme, https or http; then look at the "
        "parent's log."))
    PARENT_ANSWER_MALFORMED = ("parent_answer_malformed", Stage.PARENT, _G, 502, "http_protocol_error",
        "The parent proxy's answer is not that of an HTTP proxy: {detail}.",
        "Check that parent.url names an HTTP proxy and has the right scheme, https or http.")
    PARENT_TLS_FAILED = ("parent_tls_failed", Stage.PARENT, _G, 502, "tls_protocol_error",
        "TLS to the parent proxy itself failed: {detail}.",
        ("Use http:// in parent.url if the parent does not speak TLS on this port; otherwise fix the problem named "
        "above."))
    PARENT_CERTIFICATE_REJECTED = ("parent_certificate_rejected", Stage.PARENT, _G, 502, "tls_certificate_error",
        "The gate does not trust the parent proxy's certificate: {detail}.",
        "Set parent.ca to the root that signed it, and use a name in parent.url that is in the certificate.")
    PARENT_IS_GATE = ("parent_is_gate", Stage.PARENT, _G, 502, "proxy_loop_detected",
        "The parent proxy's address is the gate's own: {detail}.",
        "Correct parent.url.")
    PARENT_LOOP = ("parent_loop", Stage.PARENT, _P, 502, "proxy_loop_detected",
        "The parent proxy found a loop in the request for {target}: {detail}.",
        "Check the proxies behind the parent: one of them sends the gate's requests back to it.")
    PARENT_REFUSED = ("parent_refused", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy refused {target}: {detail}.",
        ("Have the parent allow {target} for the gate's address and login; status and reason are the parent's "
        "own."))
    PARENT_TARGET_FAILED = ("parent_target_failed", Stage.PARENT, _P, 502, "destination_unavailable",
        "The parent proxy could not open the tunnel to {target}: {detail}.",
        "Look at the parent's own log: its DNS or its path to {target} is broken, or it is out of order itself.")
    PARENT_LOGIN_REQUIRED = ("parent_login_required", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy requires a login, but the settings contain none for it: {detail}.",
        "Set parent.username and parent.password_file, or have the parent accept the gate's address without a login.")
    PARENT_LOGIN_UNSUPPORTED = ("parent_login_unsupported", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy offers no login that the gate can use with its settings: {detail}.",
        ("Set parent.auth to auto or to an offered scheme; Negotiate needs python-gssapi (docs/parents.md, Kerberos) "
        "and a source of tickets."))
    PARENT_LOGIN_REFUSED = ("parent_login_refused", Stage.PARENT, _P, 502, "http_request_denied",
        "The parent proxy refused the gate's login: {detail}.",
        ("Correct the user name or the password, and change or touch the password's file. Until then the gate does not "
        "try it again, to avoid locking the account; if the parent accepted it before, it does so after 5 minutes, "
        "after 30, then hourly."))
    PARENT_LOGIN_FAILED = ("parent_login_failed", Stage.PARENT, _G, 502, "proxy_configuration_error",
        "The gate could not log in to the parent proxy: {detail}.",
        "Fix the problem named above.")
    PARENTS_EXHAUSTED = ("parents_exhausted", Stage.PARENT, _P, 502, "destination_unavailable",
        "None of the parent proxies could be used for {target}: {detail}.",
        "Look at the first of them: the others were tried only because it failed.")

    CLIENT_LEFT_IN_INNER_HELLO = ("client_left_in_inner_hello", Stage.INNER_HELLO, _C, 200, "",
        "{client} left its tunnel to {target} before its first message there was complete.",
        "Look at the client's log: it asked for the tunnel but did not use it.")
    INNER_HELLO_TIMEOUT = ("inner_hello_timeout", Stage.INNER_HELLO, _G, 200, "",
        "{client} did not complete its first message in its tunnel to {target} in time.",
        "If it sent nothing, look at its log; if it sent a part, look for lost packets between it and the gate.")
    INNER_NOT_TLS = ("inner_not_tls", Stage.INNER_HELLO, _G, 200, "",
        "{client} sent something other than TLS through its tunnel to {target}: {detail}.",
        "Find out what uses the tunnel; if this is intended, set require_tls = false in the allowlist.rule.")
    INNER_HELLO_MALFORMED = ("inner_hello_malformed", Stage.INNER_HELLO, _G, 200, "",
        "The TLS ClientHello of {client} in its tunnel to {target} cannot be read: {detail}.",
        "Find out what uses the tunnel; if its ClientHello is only too large, raise limits.hello_bytes.")
    SERVER_NAME_MISMATCH = ("server_name_mismatch", Stage.INNER_HELLO, _G, 200, "",
        "{client} opened a tunnel to {target}, but asked for the server {detail} in it.",
        "Find out what uses the tunnel; if this is intended, set match_server_name = false in the allowlist.rule.")
    SERVER_NAME_ABSENT = ("server_name_absent", Stage.INNER_HELLO, _G, 200, "",
        "{client} named no server in its tunnel to {target}, but must name one.",
        "Update the client, or set require_server_name = false for its network or rule.")
    HELLO_LOOP = ("hello_loop", Stage.INNER_HELLO, _G, 200, "proxy_loop_detected",
        "The TLS of {client} to {target} came back to the gate while the tunnel that it was sent through is open.",
        "Check dial.connect_to, DNS overrides and NAT on the way: one of them sends the gate's connections back to it.")

    CLOSED_BY_CLIENT = ("closed_by_client", Stage.RELAY, _C, 200, "",
        "The tunnel to {target} ended; the client closed first.",
        "Nothing, if the target answered; otherwise the record's finding says what to change.")
    CLOSED_BY_UPSTREAM = ("closed_by_upstream", Stage.RELAY, _U, 200, "",
        "The tunnel to {target} ended; the target closed first.",
        "Nothing, if the target answered; otherwise the record's finding says what to change.")
    RESET_BY_CLIENT = ("reset_by_client", Stage.RELAY, _C, 200, "connection_terminated",
        "{client} broke off the tunnel to {target} ({detail}).",
        "Nothing, if the target answered; otherwise the record's finding says what to change.")
    RESET_BY_UPSTREAM = ("reset_by_upstream", Stage.RELAY, _U, 200, "connection_terminated",
        "{target}, or something on the way to it, broke off the tunnel ({detail}).",
        "Nothing, if the target answered; otherwise the record's finding says what to change.")
    IDLE_TIMEOUT = ("idle_timeout", Stage.RELAY, _G, 200, "connection_read_timeout",
        "The tunnel to {target} was idle for longer than allowed.",
        "Nothing, if the target answered; otherwise the record's finding says who fell silent.")
    HALF_CLOSED_TIMEOUT = ("half_closed_timeout", Stage.RELAY, _G, 200, "connection_read_timeout",
        "One side of the tunnel to {target} was closed, and the other was idle for longer than allowed.",
        "Nothing, if the target answered; otherwise the record's finding says who fell silent.")
    LIFETIME_OVER = ("lifetime_over", Stage.RELAY, _G, 200, "connection_terminated",
        "The tunnel to {target} was open for as long as a tunnel may be.",
        ("Nothing, if the client opens another one; otherwise raise limits.lifetime_seconds, or set it to 0 for no "
        "limit."))
    CUT_BY_STOP = ("cut_by_stop", Stage.RELAY, _G, 200, "connection_terminated",
        "The gate stopped while the tunnel to {target} was open.",
        "Raise limits.drain_seconds, and the stop timeout of the service manager or container runtime.")
    REVOKED = ("revoked", Stage.RELAY, _G, 200, "connection_terminated",
        "The tunnel of {client} to {target} was revoked: {detail}.",
        "Nothing, if that was intended; otherwise allow it again. limits.revoke says what a reload revokes.")
    ENDED_BY_OPERATOR = ("ended_by_operator", Stage.RELAY, _G, 200, "connection_terminated",
        "An operator ended the tunnel of {client} to {target}: {detail}.",
        "Nothing: the client may open another one. To keep it out, remove its user or the rule, and reload.")
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

    __hash__ = object.__hash__  # that of enum is a method of Python, and called for every tunnel

    def __new__(cls, label: str, *row: object) -> "Outcome":
        """Make the label the member's value, so that `Outcome("dns_timeout")` works and a record contains the label."""
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


GATE_MAY_END: Final = (Outcome.HANDSHAKE_FAILED,)
"""Where the gate ends the connection if the party of the row did not: it sends the alert."""

ONCE_AN_HOUR: Final = (Outcome.CLOSED_AFTER_HANDSHAKE,)
"""A mistake or a balancer's health check, which nothing tells apart: each client's are logged once an hour."""

PROBES: Final = (Outcome.CLOSED_UNUSED, Outcome.HEALTH_ASKED)
"""How a balancer's health check ends. There may be one every second, so they are counted, but not logged or shown."""
