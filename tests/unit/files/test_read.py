"""Only regular files are read, and never more than the limit."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.files.memory_file import memory_file
from licensegate.files.read import read_whole


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_folder(path: Path) -> None:
    path.mkdir()


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


SPECIAL: dict[Callable[[Path], None], str] = {
    make_pipe: "it is a named pipe, not a regular file",
    make_socket: "it is a socket, not a regular file",
    make_folder: "it is a directory, not a regular file",
    link_to_device: "it is a device, not a regular file",
}


@pytest.mark.parametrize(("make", "words"), SPECIAL.items(), ids=[make.__name__ for make in SPECIAL])
def test_anything_but_a_regular_file_is_refused_by_its_kind(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "users")

    with pytest.raises(OSError, match=words) as refused:
        read_whole(tmp_path / "users", 100)
    assert refused.value.strerror == words


def test_a_pipe_is_refused_even_with_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "users")
    descriptor = os.open(tmp_path / "users", os.O_RDWR)
    os.write(descriptor, b"user:hash\n")

    with pytest.raises(OSError, match="named pipe"):
        read_whole(tmp_path / "users", 100)
    os.close(descriptor)


def test_a_link_to_a_regular_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"content")
    (tmp_path / "link").symlink_to("data")

    assert read_whole(tmp_path / "link", 100) == b"content"


def test_a_file_of_exactly_the_limit_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)

    assert read_whole(tmp_path / "file", 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than such a file may be") as refused:
        read_whole(tmp_path / "file", 99)
    assert refused.value.errno == errno.EFBIG


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_folder])
def test_a_refused_file_leaves_no_descriptor_open(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "users")
    before = os.listdir("/proc/self/fd")

    with pytest.raises(OSError, match="not a regular file"):
        read_whole(tmp_path / "users", 100)

    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_memory_file_has_its_content_and_goes_with_its_block() -> None:
    with memory_file(b"content") as path:
        assert Path(path).read_bytes() == b"content"
        where = os.readlink(path)
    assert not (os.path.exists(path) and os.readlink(path) == where)
