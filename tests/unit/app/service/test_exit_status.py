"""The exit status of a start that failed: it tells the service manager whether to try again."""

import errno
import socket

import pytest

from licensegate.app.logs.open_sink import LogPlaceError, NoReaderError
from licensegate.app.service.handover_line import HandoverError
from licensegate.app.service.run import exit_status
from licensegate.app.settings import SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.net.listener import ListenError, UnbindableAddressError, bind
from licensegate.proxy.settings import ListenAddress


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HandoverError(), 1),
        (ListenError(), 1),
        (NoReaderError(), 1),
        (UnbindableAddressError(), 2),
        (LogPlaceError(), 2),
        (CertificateError(), 2),
        (LoginFileError(""), 2),
        (SettingsError(), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_what_may_go_away_by_itself_is_tried_again(error: Exception, status: int) -> None:
    assert exit_status(error) == status


@pytest.mark.parametrize(
    ("number", "status"),
    [(errno.EACCES, 2), (errno.EAFNOSUPPORT, 2), (errno.EINVAL, 2), (errno.EADDRINUSE, 1), (errno.EADDRNOTAVAIL, 1)],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) and value > 2 else str(value),
)
def test_an_address_may_appear_but_not_a_privilege(number: int, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sock: socket.socket, address: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ListenError) as raised:
        bind(ListenAddress("127.0.0.1", 443))
    assert exit_status(raised.value) == status
