"""The server's side of NTLM, by pyspnego: Debian ships no helper for squid that checks a password without a domain."""

import base64
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import spnego

from support.upstream import Upstream

DOMAIN, USER, PASSWORD = "CORP", "svc-licensing", "correct horse"
PRINCIPAL = f"{DOMAIN}\\{USER}"


class NtlmHelper:
    """Speaks squid's helper protocol for NTLM over TCP, so that it can live in the test's own process.

    `program` is what squid starts, which hands over from there to here; `verdicts` are the users let in, or "" for one
    who was not.
    """

    def __init__(self, folder: Path) -> None:
        self.verdicts: list[str] = []
        self._users = folder / "ntlm-users"
        self._users.write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n")
        self._upstream = Upstream(self._serve)

    @contextlib.contextmanager
    def serve(self) -> Iterator["NtlmHelper"]:
        """Answer squid."""
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = str(self._users)
        try:
            with self._upstream:
                yield self
        finally:
            os.environ.pop("NTLM_USER_FILE")
            if before is not None:
                os.environ["NTLM_USER_FILE"] = before

    def program(self, folder: Path) -> Path:
        """A script in `folder` for squid to start."""
        script = folder / "ntlm"
        script.write_text(
            "#!/bin/bash\n"
            f"exec 3<>/dev/tcp/127.0.0.1/{self._upstream.port}\n"
            'while read -r line; do echo "$line" >&3; read -r answer <&3; echo "$answer"; done\n'
        )
        script.chmod(0o755)
        return script

    def _serve(self, connection: socket.socket) -> None:
        context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        for line in connection.makefile("rb"):
            verb, _, token = line.strip().partition(b" ")
            if verb == b"YR":  # a first message
                context = context.new_context()
                answer = b"TT " + base64.b64encode(context.step(base64.b64decode(token)) or b"")
            else:  # KK, a third one
                answer = self._judge(context, base64.b64decode(token))
            connection.sendall(answer + b"\n")

    def _judge(self, context: spnego.ContextProxy, token: bytes) -> bytes:
        try:
            context.step(token)
        except spnego.exceptions.SpnegoError:
            self.verdicts.append("")
            return b"NA no"
        self.verdicts.append(str(context.client_principal))
        return b"AF " + USER.encode()
