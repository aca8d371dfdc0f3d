"""The part of `licensegate check` about the gate's certificate: which one it is, and warnings."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from licensegate.app.settings import Settings


def lines(settings: Settings) -> list[str]:
    """Describe the certificate in force."""
    tls = settings.tls
    if tls.certificate:
        said = [f"certificate {tls.certificate}", f"key {tls.key}"]
    elif settings.state_directory:
        said = [f"the gate's own certificate, kept in {settings.state_directory}"]
    else:
        said = ["the gate's own certificate, a new one at each start"]
    if tls.names:
        said.append(f"also known as {' and '.join(tls.names)}")
    return said


def warnings(settings: Settings) -> Iterator[str]:
    """The findings of `licensegate cert check`, if this user may read the files. Raises CertificateError."""
    certificate = settings.tls.certificate
    key = settings.tls.key or certificate
    if certificate is None or key is None or not (os.access(certificate, os.R_OK) and os.access(key, os.R_OK)):
        return
    from licensegate.certs.review import review_key_pair  # loads cryptography, 0.1 s

    yield from (problem.text for problem in review_key_pair(certificate, key, datetime.now(UTC)))
