"""The one request that is ever sent: AXL's getSmartLicenseStatus, which reads and changes nothing. No I/O.

AXL is SOAP 1.1 at `https://PUBLISHER:8443/axl/`, with Basic authentication (Cisco's AXL developer guide).
"""

import base64
from typing import Final

METHOD: Final = "POST"
PATH: Final = "/axl/"
_ENVELOPE: Final = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:ns="http://www.cisco.com/AXL/API/{version}">'
    "<soapenv:Header/><soapenv:Body><ns:getSmartLicenseStatus/></soapenv:Body></soapenv:Envelope>"
)


def body(axl_version: str) -> bytes:
    """The envelope, for a version such as `12.5` that the settings have checked."""
    return _ENVELOPE.format(version=axl_version).encode()


def header_fields(axl_version: str, username: str, password: str, agent: str) -> dict[str, str]:
    """The fields of the request's head; `agent` is the name that the gate gives itself."""
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {
        "Authorization": f"Basic {login}",
        "SOAPAction": f'"CUCM:DB ver={axl_version} getSmartLicenseStatus"',
        "Content-Type": "text/xml; charset=utf-8",
        "Accept": "text/xml",
        "Accept-Encoding": "identity",  # so that no small answer grows
        "User-Agent": agent,
    }
