"""Keys of both models: transport and proxy, licences, the product itself."""

import re
from collections.abc import Mapping
from typing import Final

from ..report import ConfiguredProxy, Entitlement
from ..words import TRANSPORT, Vocabulary, value_of
from .context import KeyReader, OutputContext
from .udi import parse_udi

_TRANSPORT: Final = Vocabulary(TRANSPORT)
_WHOLE_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:\.\d+)?(?:_rel/\d{3}|_\w+/[0-9a-f]{9}|/[0-9a-f]{8})")
_WHOLE_JAVA_VERSION: Final = re.compile(r"\d\.\d\.\d")
_WHOLE_URL: Final = re.compile(
    r"https?://.*(?:DDCEService|/licservice/license|SmartTransport|DeviceRequestHandler|/cslu/v1/pi)"
)
_TRANSPORTS: Final = ("transport", "transport configuration")


def _type(context: OutputContext, value: str, unfinished: bool) -> bool:
    transport = context.reading.report.transport
    if context.section in _TRANSPORTS and transport.type is None:
        transport.type = _TRANSPORT.find(value, unfinished)
        return transport.type is not None
    return True


def _transport_type(context: OutputContext, value: str, unfinished: bool) -> bool:
    """Read NX-OS' `Transport Type: CALLHOME`, which stands in no section of its own."""
    context.begin_section("transport")
    return not value or _type(context, value, unfinished)


def _url(context: OutputContext, value: str, unfinished: bool) -> bool:
    url = value_of(value.replace(" ", ""))  # a blank in it comes from a wrapped line
    if url and unfinished and not _WHOLE_URL.fullmatch(url):
        url = None
    if context.section in _TRANSPORTS and context.reading.report.transport.url is None:
        context.reading.report.transport.url = url
    return True


def _proxy(context: OutputContext, value: str, unfinished: bool) -> bool:
    context.in_proxy = context.section in _TRANSPORTS
    address, colon, port = value.rpartition(":")
    if context.in_proxy and colon and port.isdecimal() and len(port) <= 5 and not unfinished:
        context.reading.report.proxy = ConfiguredProxy(address, int(port))
    return True


def _address(context: OutputContext, value: str, unfinished: bool) -> bool:
    if context.in_proxy and context.reading.report.proxy is None and not unfinished and (address := value_of(value)):
        context.reading.report.proxy = ConfiguredProxy(address)
    return True


def _port(context: OutputContext, value: str, unfinished: bool) -> bool:
    proxy = context.reading.report.proxy
    if context.in_proxy and proxy is not None and not unfinished and value.isdecimal() and len(value) <= 5:
        proxy.port = int(value)
    return True


def _count(context: OutputContext, value: str, unfinished: bool) -> bool:
    if context.licence is not None and not unfinished and value.isdecimal() and len(value) <= 9:
        context.licence.count = int(value)
    return True


def _licence_name(context: OutputContext, value: str, unfinished: bool) -> bool:
    if context.licence is not None and not unfinished:
        context.licence.name = value_of(value)
    return True


def _handle(context: OutputContext, _value: str, _unfinished: bool) -> bool:
    context.begin_licence(Entitlement())
    return True


def _tag(context: OutputContext, value: str, unfinished: bool) -> bool:
    if context.licence is not None and not unfinished:
        context.licence.tag = value_of(value)
    return context.licence is not None


def _udi(context: OutputContext, value: str, unfinished: bool) -> bool:
    product = parse_udi(value, unfinished)
    if context.reading.report.product.pid is None:
        context.reading.report.product = product
    return True


def _agent_version(context: OutputContext, value: str, unfinished: bool) -> bool:
    report = context.reading.report
    is_java = report.product.uuid is not None  # its versions end with the third number, those of IOS and ASA do not
    whole = _WHOLE_JAVA_VERSION if is_java else _WHOLE_VERSION
    if report.agent_version is None and (not unfinished or whole.fullmatch(value)):
        report.agent_version = value_of(value)
    return True


PRODUCT_KEYS: Final[Mapping[str, KeyReader]] = {
    "type": _type,
    "transport type": _transport_type,
    "url": _url,
    "cslu address": _url,
    "proxy": _proxy,
    "address": _address,
    "port": _port,
    "count": _count,
    "license": _licence_name,
    "handle": _handle,
    "entitlement tag": _tag,
    "udi": _udi,
    "product udi": _udi,
    "smart agent for licensing": _agent_version,
}
