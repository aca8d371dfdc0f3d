"""Starts one command twice, and passes both processes the same listening socket as systemd would (sd_listen_fds(3)).

`python pair.py PORT COMMAND...` ends both at SIGTERM.
"""

import os
import signal
import socket
import subprocess
import sys

_FIRST = 3  # SD_LISTEN_FDS_START
_BACKLOG = 1024


def main() -> int:
    """Bind, start both, and wait for their ends."""
    sock = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=_BACKLOG)
    if sock.fileno() != _FIRST:
        os.dup2(sock.fileno(), _FIRST)
    os.set_inheritable(_FIRST, True)
    # The shell becomes the command, so its process id is the one that the command has to find in LISTEN_PID.
    shell = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh"]
    processes = [subprocess.Popen([*shell, *sys.argv[2:]], pass_fds=[_FIRST]) for _ in range(2)]
    signal.signal(signal.SIGTERM, lambda *_: [process.terminate() for process in processes])
    return max(process.wait() for process in processes)


if __name__ == "__main__":
    sys.exit(main())
