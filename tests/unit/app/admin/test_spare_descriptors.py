"""Descriptors held back for the admin server."""

import contextlib
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from licensegate.app.admin.spare_descriptors import SpareDescriptors


@pytest.fixture
def spare() -> Iterator[SpareDescriptors]:
    with contextlib.closing(SpareDescriptors()) as made:
        yield made


@contextlib.contextmanager
def famine() -> Iterator[None]:
    """Use up every descriptor of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_spare_descriptor_makes_one_more_connection_possible(spare: SpareDescriptors) -> None:
    with famine():
        with pytest.raises(OSError, match="Too many open files"):
            socket.socket()

        assert spare.give_up_one()
        socket.socket().close()


def test_a_descriptor_taken_back_is_never_free_for_others(spare: SpareDescriptors) -> None:
    with famine():
        for _ in range(20):
            assert spare.give_up_one()
            sock = socket.socket()
            spare.take_back(sock)
            assert sock.fileno() == -1
            with pytest.raises(OSError, match="Too many open files"):
                socket.socket()


def test_taking_a_connection_back_closes_it(spare: SpareDescriptors) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        assert spare.give_up_one()
        spare.take_back(ours)
        assert theirs.recv(1) == b""


def test_few_descriptors_are_held_back_and_all_are_given_back() -> None:
    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_now()
    spare = SpareDescriptors()
    while spare.give_up_one():
        pass
    assert open_now() == before + 1
    for _ in range(10):
        spare.take_back(socket.socket())
    assert open_now() == before + 1 + 4
    spare.close()
    spare.take_back(socket.socket())
    assert open_now() == before
