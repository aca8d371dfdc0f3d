"""The step `port`: is an address of the settings served by the gate, free, or taken by another program?"""

import errno
from collections.abc import Iterable

from msgspec import Struct

from licensegate.proxy.net.listener import remedy
from licensegate.proxy.settings import ListenAddress

from ..step import StepResult, failed, ok, skipped, warning
from .port_holders import PortHolder, holder_of
from .preconditions import bind_error

GATE_NAME = "licensegate"
"""The short name of the gate's process: that of its command."""


class RunningProcess(Struct, frozen=True):
    """The gate's process, as its listening sockets show it. `pid` is 0 if this user may not see it."""

    runs: bool = False
    pid: int = 0
    uid: int = -1


def find_gate(listen: Iterable[ListenAddress], holders: Iterable[PortHolder]) -> RunningProcess:
    """The process on one of these ports, the gate's own command before any other program."""
    ports = {address.port for address in listen}
    there = [holder for holder in holders if holder.port in ports]
    gates = [holder for holder in there if holder.program.startswith(GATE_NAME)]
    unseen = [holder for holder in there if not holder.pid]
    found = next(iter(gates or unseen), None)
    return RunningProcess() if found is None else RunningProcess(True, found.pid, found.uid)


def look_at_port(address: ListenAddress, holders: tuple[PortHolder, ...], *, gate_runs: bool) -> StepResult:
    """Try to bind the address, and name who has it. A gate that runs left out the defaults that it could not bind."""
    if address.port == 0:
        return skipped("the system chooses the port when the gate starts, so it cannot be looked at from here")
    holder = holder_of(address.host, address.port, holders)
    error = None if holder is not None else bind_error(address)
    if holder is None and error is not None and error.errno == errno.EADDRINUSE:
        return _judge_holder(address, None)
    if holder is not None:
        return _judge_holder(address, holder)
    if error is None or error.errno == errno.EACCES:
        if gate_runs:
            why = f"read in its log why it does not listen there, and restart it: systemctl restart {GATE_NAME}"
            return (failed if address.named else warning)(f"the gate runs, but not on {address}", why)
        return failed(f"nothing listens on {address}: the gate does not run", f"systemctl start {GATE_NAME}")
    return (failed if address.named else warning)(f"{address} cannot be bound", remedy(address, error))


def _judge_holder(address: ListenAddress, holder: PortHolder | None) -> StepResult:
    if holder is None or not holder.pid:
        whose = f" as uid {holder.uid}" if holder else ""
        return ok(f"a program listens on {address}{whose}; this user may not see which, the step listener asks it")
    if holder.program.startswith(GATE_NAME):
        return ok(f"{holder} listens on {address}")
    cure = f"stop {holder.program}, or choose another port in the settings; then restart the gate"
    seen = f"{holder} has {address}"
    if holder.program.startswith("python"):
        return ok(f"{seen}; the step listener tells whether it is the gate")
    return (failed if address.named else warning)(seen, cure)
