"""The server's side of NTLM, with pyspnego: Debian's squid helpers need a domain controller."""

import base64
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import spnego

from support.scripted_parent import CLOSING_BODY, LOGIN_REQUIRED, PERSISTENT_BODY, GateConnection, ScriptedParent
from support.upstream import Upstream

DOMAIN, USER, PASSWORD = "CORP", "svc-licensing", "correct horse"
PRINCIPAL = f"{DOMAIN}\\{USER}"


class NtlmHelper:
    """A squid helper for NTLM in the test's own process, over TCP.

    squid starts `program`, which connects to it. `results` has the user of each login, "" for a refused one.
    """

    def __init__(self, folder: Path) -> None:
        self.results: list[str] = []
        self._users = folder / "ntlm-users"
        self._users.write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n")
        self._upstream = Upstream(self._serve)

    @contextlib.contextmanager
    def serve(self) -> Iterator["NtlmHelper"]:
        """Answer squid while the block runs."""
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
            if verb == b"YR":  # a negotiate message
                context = context.new_context()
                answer = b"TT " + base64.b64encode(context.step(base64.b64decode(token)) or b"")
            else:  # KK: an authenticate message
                answer = self._check(context, base64.b64decode(token))
            connection.sendall(answer + b"\n")

    def _check(self, context: spnego.ContextProxy, token: bytes) -> bytes:
        try:
            context.step(token)
        except spnego.exceptions.SpnegoError:
            self.results.append("")
            return b"NA no"
        self.results.append(str(context.client_principal))
        return b"AF " + USER.encode()


class NtlmParent(ScriptedParent):
    """A parent that wants NTLM, with pyspnego; with `closes`, it closes the connection during the login."""

    def __init__(self, *, closes: bool = False) -> None:
        super().__init__(self.log_in)
        self._closes = closes

    async def log_in(self, gate: GateConnection) -> None:
        """Challenge the gate until it has logged in, then open the tunnel."""
        server = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        while not server.complete:
            _, _, token = (await gate.credentials()).partition(" ")
            challenge = b""
            if token:
                try:
                    challenge = server.step(base64.b64decode(token)) or b""
                except spnego.exceptions.SpnegoError:
                    server = server.new_context()
            if not server.complete:
                field = b"Proxy-Authenticate: NTLM" + (b" " + base64.b64encode(challenge) if challenge else b"")
                gate.send(LOGIN_REQUIRED, field, b"\r\n", CLOSING_BODY if self._closes else PERSISTENT_BODY)
                if self._closes:
                    return
        await gate.open_tunnel()
