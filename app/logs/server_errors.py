"""Why a log server takes no lines, and what to change, in words."""

import errno
import socket
import ssl

from licensegate.app.settings.log_place import LogPlace


class ServerError(Exception):
    """The server cannot be reached, or takes no more. `str()` says why and what to change.

    `lost_one`: a message that had been sent earlier has not arrived.
    """

    def __init__(self, why: str, *, lost_one: bool = False) -> None:
        super().__init__(why)
        self.lost_one = lost_one


class GaveUpError(ServerError):
    """It was over before the server answered."""


class TooLongError(Exception):
    """The message does not fit into a datagram."""


def why(error: OSError, place: LogPlace, setting: str, *, tls: bool) -> str:
    """Why the server takes nothing, and what to change."""
    correct = f"or correct {setting}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {place} is refused: {error.verify_message}; name the authority that signed "
            f"it in log.syslog_ca, {correct}"
        )
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return f"TLS with {place} failed: {reason}; does the server want another certificate, or no TLS?"
    if isinstance(error, socket.gaierror):
        return f"the name {place.host} does not resolve ({error.strerror}); add it to DNS, {correct}"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        no_tls = ", a server without TLS" if tls else ""
        return f"{place} takes nothing; look for a firewall{no_tls} or a full disk there, {correct}"
    match error.errno:
        case errno.ENOENT:
            return f"{place} is not there; start the daemon that makes it, {correct}"
        case errno.EACCES | errno.EPERM:
            return f"{place}: {error.strerror}; let the gate's user write to it, {correct}"
        case errno.ECONNREFUSED:
            return f"nobody listens at {place}; start the server, {correct}"
        case errno.ECONNRESET | errno.EPIPE | errno.ENOTCONN:
            return f"{place} has closed the connection; does the server run?"
        case _:
            return f"{place}: {error.strerror or error}; {correct.removeprefix('or ')}"
