"""A file system that stops answering, as a network mount does: FUSE (fuse(4)), answered by a thread of the test.

Holds one folder of copied files. While it hangs, looking at a file there, or opening it, waits.
"""

import ctypes
import enum
import errno
import os
import select
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.requirements import NOT_TRIED

_IN = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid: struct fuse_in_header
_FILE, _FOLDER = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
_OPENED = struct.pack("<QII", 1, 1, 0)  # to be read directly, not from the page cache
_FORCE, _DETACH = 1, 2  # umount2(2)
_libc = ctypes.CDLL(None, use_errno=True)


class _Opcode(enum.IntEnum):
    """The requests that are answered: FUSE_LOOKUP and so on of linux/fuse.h."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    MKNOD = 8
    OPEN = 14
    READ = 15
    RELEASE = 18
    FLUSH = 25
    INIT = 26
    CREATE = 35


class HangingMount:
    """The mounted files. `hang` makes it stop answering until `answer`."""

    def __init__(self, device: int, folder: Path, files: dict[str, bytes]) -> None:
        self.folder = folder
        self._device = device
        self._names = sorted(files)
        self._contents = [files[name] for name in self._names]
        self._answers = threading.Event()
        self._answers.set()
        self.waits = threading.Event()
        """Set once a request waits for `answer`."""
        threading.Thread(target=self._run, name="fuse", daemon=True).start()

    def hang(self) -> None:
        self.waits.clear()
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    def _run(self) -> None:
        while True:
            select.select([self._device], [], [])
            if not self._answers.is_set():
                self.waits.set()
                self._answers.wait()  # with the request unread: the process that made it can be killed
            try:
                request = os.read(self._device, 1 << 18)
            except OSError:  # unmounted
                return
            _, opcode, unique, node, *_ = _IN.unpack_from(request)
            if opcode != _Opcode.FORGET:
                self._reply(unique, *self._serve(opcode, node, request[_IN.size :]))

    def _reply(self, unique: int, error: int, body: bytes) -> None:
        try:
            os.write(self._device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError:  # the caller was interrupted, or it is unmounted
            return

    def _serve(self, opcode: int, node: int, body: bytes) -> tuple[int, bytes]:
        match opcode:
            case _Opcode.INIT:
                return 0, struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 1 << 16, 1, 0, 0, 0)
            case _Opcode.LOOKUP:
                return self._entry(body)
            case _Opcode.CREATE | _Opcode.MKNOD:  # Linux may ask so for a file that exists already
                error, entry = self._entry(body[16:])
                return error, entry + _OPENED if opcode == _Opcode.CREATE and entry else entry
            case _Opcode.GETATTR:
                return 0, struct.pack("<QII", 0, 0, 0) + self._attributes(node)
            case _Opcode.OPEN:
                return 0, _OPENED
            case _Opcode.READ:
                offset, size = struct.unpack_from("<QI", body, 8)
                return 0, self._contents[node - 2][offset : offset + size]
            case _Opcode.RELEASE | _Opcode.FLUSH:
                return 0, b""
            case _:
                return errno.ENOSYS, b""

    def _entry(self, name: bytes) -> tuple[int, bytes]:
        wanted = name.rstrip(b"\0").decode()
        if wanted not in self._names:
            return errno.ENOENT, b""
        number = self._names.index(wanted) + 2
        return 0, struct.pack("<QQQQII", number, 0, 0, 0, 0, 0) + self._attributes(number)

    def _attributes(self, node: int) -> bytes:
        size = 0 if node == 1 else len(self._contents[node - 2])
        mode = _FOLDER if node == 1 else _FILE
        times, owner = (1, 1, 1, 0, 0, 0), (os.getuid(), os.getgid())
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, 0, *times, mode, 1, *owner, 0, 4096, 0)


@contextmanager
def hanging_mount(folder: Path, files: dict[str, bytes]) -> Iterator[HangingMount]:
    """Mount these files at `folder`. Skips the test, also in CI, where this user may not mount."""
    folder.mkdir()
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"{NOT_TRIED}: /dev/fuse: {error.strerror}; run as root, with the kernel's fuse")
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if _libc.mount(b"fuse", bytes(folder), b"fuse", 6, options.encode()):
        os.close(device)
        pytest.skip(f"{NOT_TRIED}: a FUSE mount: {os.strerror(ctypes.get_errno())}; run as root")
    mount = HangingMount(device, folder, files)
    try:
        yield mount
    finally:
        mount.answer()
        _libc.umount2(bytes(folder), _FORCE | _DETACH)
        os.close(device)
