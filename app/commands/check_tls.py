"""What `licensegate check` says of the gate's certificate: which one, and what clients will not like about it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from licensegate.app.settings import Settings


def lines(settings: Settings) -> list[str]:
    """What is in force, in lines for people."""
    tls = settings.tls
    if tls.certificate:
        said = [f"certificate {tls.certificate}", f"key {tls.key}"]
    elif settings.state_directory:
        said = [f"a certificate of its own, kept in {settings.state_directory}"]
    else:
        said = ["a certificate of its own, another one after each start"]
    if tls.names:
        said.append(f"also known as {' and '.join(tls.names)}")
    return said


def warnings(settings: Settings) -> Iterator[str]:
    """What `licensegate cert check` finds, as far as the files may be read here. Raises CertificateError."""
    certificate = settings.tls.certificate
    key = settings.tls.key or certificate
    if certificate is None or key is None or not (os.access(certificate, os.R_OK) and os.access(key, os.R_OK)):
        return
    from licensegate.certs.review import review_pair  # loads cryptography, 0.1 s

    yield from (finding.text for finding in review_pair(certificate, key, datetime.now(UTC)))
