"""How tables are written, and what other programs call the settings: for hints in error messages."""

from typing import Final

_LISTEN: Final = '[[listen]] with address = "0.0.0.0:3128"'
_PARENT: Final = '[[parent]] with url = "http://proxy.example.net:8080"'
_RULE: Final = '[[allowlist.rule]] with host = "ssm.example.net"'
_NETWORK: Final = '[[tunnel.network]] with networks = ["10.9.0.0/16"]'
_CLIENT: Final = '[[client]] with name = "CUCM-PUB Tokyo" and networks = ["10.1.2.3"]'
_PRODUCT: Final = '[[product]] with client = "CUCM-PUB Tokyo" and address = "cucm-pub.example.net"'
EXAMPLES: Final = {
    "listen": _LISTEN,
    "parent": _PARENT,
    "client": _CLIENT,
    "product": _PRODUCT,
    "allowlist.rule": _RULE,
    "tunnel.network": _NETWORK,
    "test": "[[test]] with client, target and expect",
}
"""How each list of tables is written; `test` is that of the tests of the allowlist."""
_SERVER_NAME: Final = {
    "tls": "require_tls",
    "require_sni": "require_server_name",
    "match_sni": "match_server_name",
    "sni": "require_server_name or match_server_name",
}
FOREIGN_NAMES: Final = {
    "": {
        **dict.fromkeys(("port", "ports", "bind", "address", "listen_address", "http_port"), _LISTEN),
        **dict.fromkeys(("proxy", "proxies", "upstream", "cache_peer"), _PARENT),
        **dict.fromkeys(("whitelist", "allow", "acl", "targets", "domains", "hosts", "rule", "rules"), _RULE),
        **dict.fromkeys(("allowed_clients", "sources", "network"), "clients.networks"),
        **dict.fromkeys(("metrics", "prometheus"), '[admin] with listen = "127.0.0.1:9130"'),
        **dict.fromkeys(("users", "authentication"), "[auth] with htpasswd, the file of users"),
    },
    "listen": dict.fromkeys(("port", "host", "ip", "bind", "interface"), 'address = "0.0.0.0:3128"'),
    "parent": {
        **dict.fromkeys(("host", "port", "address", "proxy", "server"), 'url = "http://proxy.example.net:8080"'),
        **dict.fromkeys(("user", "login"), "username"),
        **dict.fromkeys(("password", "pass"), "password_file"),
    },
    "clients": dict.fromkeys(("allow", "allowed", "address", "addresses", "ip", "ips", "hosts"), "networks"),
    "allowlist": dict.fromkeys(("host", "hosts", "targets", "domains", "allow", "rules"), _RULE),
    "allowlist.rule": {
        **_SERVER_NAME,
        **dict.fromkeys(("client", "clients", "source", "sources"), 'networks = ["10.1.2.3"]'),
        **dict.fromkeys(("internal", "local", "allow_private"), "private"),
        **dict.fromkeys(("name", "domain", "target", "url", "fqdn"), "host"),
        "ports": "port, in one [[allowlist.rule]] for each port",
    },
    "client": {
        **dict.fromkeys(("address", "addresses", "network", "ip", "host"), 'networks = ["10.1.2.3"]'),
        **dict.fromkeys(("user", "login"), 'users = ["cucm-pub"]'),
        "certificate": 'certificates = ["cucm-pub.example.net"]',
        **dict.fromkeys(("family", "type"), 'product = "CUCM"'),
    },
    "product": {
        **dict.fromkeys(("host", "ip", "server", "publisher", "url"), 'address = "cucm-pub.example.net"'),
        **dict.fromkeys(("name", "product"), 'client = "CUCM-PUB Tokyo", the name of a [[client]]'),
        **dict.fromkeys(("user", "login"), "username"),
        **dict.fromkeys(("password", "pass"), "password_file"),
        **dict.fromkeys(("fingerprint", "sha256"), "certificate"),
    },
    "ledger": dict.fromkeys(("file", "path", "directory"), "state.directory")
    | {"retention": "days"}
    | dict.fromkeys(("database", "dsn"), 'url = "postgresql://USER:PASSWORD@HOST/DATABASE"'),
    "tls": dict.fromkeys(("private_key", "keyfile"), "key"),
    "auth": dict.fromkeys(("username", "user", "users", "password", "file"), "htpasswd, the file of users")
    | {"ca": "client_ca", "crl": "client_crl"},
    "tunnel": _SERVER_NAME,
    "tunnel.network": _SERVER_NAME,
    "dial": dict.fromkeys(("timeout", "connect_timeout", "seconds"), "limits.dial_seconds")
    | dict.fromkeys(("bind", "source", "source_ip", "local_address"), "source_address")
    | dict.fromkeys(("hosts", "map", "resolve"), 'connect_to = ["tools.cisco.com:443:192.0.2.1:443"]'),
    "dns": dict.fromkeys(
        ("server", "servers", "nameserver", "nameservers", "resolver"),
        "the nameserver lines of /etc/resolv.conf, which the gate uses",
    ),
    "admin": {
        **dict.fromkeys(("port", "address", "bind", "host"), 'listen = "127.0.0.1:9130"'),
        **dict.fromkeys(("enabled", "enable"), 'listen = "" for no admin server'),
        "token": "token_file",
    },
    "limits": dict.fromkeys(("max_connections", "connections", "max_clients"), "tunnels")
    | dict.fromkeys(("timeout", "idle_timeout"), "idle_seconds")
    | dict.fromkeys(("connect_timeout", "connection_timeout"), "dial_seconds")
    | dict.fromkeys(("lifetime", "max_lifetime", "client_lifetime"), "lifetime_seconds")
    | dict.fromkeys(("rate", "rate_limit", "connections_per_second"), "connections_per_client_per_second"),
    "log": dict.fromkeys(("file", "path", "output"), "access"),
}
"""What other proxies call the settings, at the top of the file and in its tables."""
