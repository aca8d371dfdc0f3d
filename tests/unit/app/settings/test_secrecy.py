"""Which settings may be shown to a stranger: every key with a text in it is classified."""

import pytest
from msgspec import Struct, inspect, structs

from licensegate.app.settings.schema import File, keys, values
from licensegate.app.settings.secrecy import MASKED, PRIVATE, SECRET_FILES, without_secrets

SHOWN = {
    "announce", "listen.address", "listen.proxy_protocol_from", "tls.certificate", "tls.names", "clients.networks",
    "auth.realm", "auth.trusted_networks", "auth.client_ca", "auth.client_crl", "allowlist.presets", "client.name",
    "product.client", "product.address", "product.ca", "product.certificate", "product.every", "product.axl_version",
    "client.product", "client.networks", "client.users", "client.certificates",
    "allowlist.rule.host", "allowlist.rule.users", "allowlist.rule.networks", "allowlist.rule.certificates",
    "allowlist.rule.ca", "tunnel.network.networks", "dial.connect_to", "dial.source_address", "parent.url", "parent.ca",
    "admin.listen", "admin.networks", "probe.every", "probe.handshake", "probe.roots", "state.directory",
    "log.access", "log.service", "log.syslog_app_name", "log.syslog_ca", "log.syslog_certificate",
        "log.changes",
}  # fmt: skip
"""Texts that name hosts and files only. A new key with a text belongs here, or into one of the sets of `secrecy`."""


def texts(table: type[Struct], prefix: str = "") -> set[str]:
    """The dotted keys of a table whose values may be free text, those of tables in it included."""
    found = set()
    for field in structs.fields(table):
        found |= _texts(inspect.type_info(field.type), f"{prefix}{field.name}")
    return found


def _texts(kind: inspect.Type, key: str) -> set[str]:
    match kind:
        case inspect.StructType(cls=table):
            return texts(table, f"{key}.")
        case inspect.VarTupleType(item_type=item):
            return _texts(item, key)
        case inspect.UnionType(types=kinds):
            return set().union(*(_texts(each, key) for each in kinds))
        case inspect.StrType():
            return {key}
        case _:
            return set()


def test_every_text_is_classified_once() -> None:
    known = texts(File)
    secret = SECRET_FILES | PRIVATE | MASKED
    assert known - SHOWN - secret == set()
    assert known >= secret
    assert not SHOWN & secret


def test_values_of_every_key_remain_but_for_private_texts() -> None:
    shown = without_secrets(values(File()))
    assert list(shown) == keys()
    assert shown["limits.tunnels"] == 4096


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param("parent", [{"username": "svc"}], [{"username": "(set, not shown)"}], id="private"),
        pytest.param("parent", [{"username": ""}], [{"username": ""}], id="private, not set"),
        pytest.param("auth.realm", "token=hush", "token=...", id="a value in a text"),
        pytest.param("dial.connect_to", ["u:hush@a:1:192.0.2.1:1"], ["...@a:1:192.0.2.1:1"], id="a login in a list"),
        pytest.param("ledger.url", "postgresql://u:hush@h/d", "postgresql://u:***@h/d", id="a password in a URL"),
        pytest.param("tls.key", "/etc/gate.key", "/etc/gate.key", id="the path of a secret file"),
    ],
)
def test_a_value_is_shown_without_secrets(key: str, value: object, expected: object) -> None:
    assert without_secrets({key: value}) == {key: expected}
