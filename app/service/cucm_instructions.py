"""What to type into CUCM to use this gate: addresses that clients can reach, and the ports that are bound there.

CUCM System Configuration Guide, Smart Software Licensing. CUCM's proxy cannot be edited while it is registered, so a
wrong address here costs a registration.
"""

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.allowlist.policy import Policy, Reason
from licensegate.allowlist.preset import load_presets
from licensegate.certs.host_names import own_addresses

_NEEDED: Final = "smart-transport"  # by CUCM 14SU4, 15SU2 and newer
_NAMED: Final = "cucm"  # holds it, and what older releases need
_CANDIDATES: Final = 4
_CONTAINER_FILES: Final = (Path("/run/.containerenv"), Path("/.dockerenv"))  # of Podman and of Docker
_CONTAINER_VARIABLES: Final = ("container", "KUBERNETES_SERVICE_HOST")  # systemd's container interface; Kubernetes


class Reach(Struct, frozen=True):
    """What decides how clients reach the gate.

    `bound` are the hosts and ports of its listeners, `own` the addresses of this host. `announced` is the name that
    the operator wants clients to use, or empty. In a container `own` means nothing to clients.
    """

    bound: Sequence[tuple[str, int]]
    own: Sequence[str] = ()
    announced: str = ""
    in_container: bool = False


def in_container(environ: Mapping[str, str]) -> bool:
    """Tell whether this program runs in a container."""
    return any(environ.get(name) for name in _CONTAINER_VARIABLES) or any(path.exists() for path in _CONTAINER_FILES)


def reach(bound: Sequence[tuple[str, int]], announced: str) -> Reach:
    """Return how clients reach a gate that is bound to these hosts and ports."""
    return Reach(bound, own_addresses(), announced, in_container(os.environ))


def cucm_instructions(how: Reach, policy: Policy) -> str:
    """Return one line: what to type, and the preset that newer releases need if the policy lacks it."""
    outside = [(host, port) for host, port in how.bound if not ip_address(host).is_loopback]
    if how.announced:
        hosts = {how.announced: [port for _, port in outside or how.bound]}
    elif not outside:
        hosts_bound = " and ".join(dict.fromkeys(host for host, _ in how.bound))
        return f"no client on another machine can reach this gate, which listens on {hosts_bound} only; change listen"
    elif how.in_container:
        hosts = {"(the address of the machine around this container)": [port for _, port in outside]}
    else:
        hosts = _ports_by_host(outside, how.own)
    typed = "; or ".join(f"IP Address/Host Name {host}, Port {ports}" for host, ports in _grouped(hosts))
    published = ", as the container's engine publishes them" if how.in_container and not how.announced else ""
    return (
        "in CUCM, System > Licensing > License Management > View/Edit, choose HTTP/HTTPS Proxy and type: "
        f"{typed}{published}{_preset_lacking(policy)}"
    )


def _ports_by_host(bound: Sequence[tuple[str, int]], own: Sequence[str]) -> dict[str, list[int]]:
    """The ports at each address that clients may use: those of the listeners, all of this host's for a wildcard."""
    hosts: dict[str, list[int]] = {}
    for host, port in bound:
        same_family = [address for address in own if (":" in address) == (":" in host) and _is_for_clients(address)]
        for address in same_family if ip_address(host).is_unspecified else [host]:
            hosts.setdefault(address, []).append(port)
    return hosts or {"(an address of this machine)": [port for _, port in bound]}


def _is_for_clients(address: str) -> bool:
    parsed = ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local)


def _grouped(hosts: Mapping[str, Sequence[int]]) -> list[tuple[str, str]]:
    """Join the addresses that have the same ports; IPv4 before IPv6, and no more than a reader can choose from."""
    by_ports: dict[str, list[str]] = {}
    for host in sorted(hosts, key=lambda host: ":" in host):
        first, *others = dict.fromkeys(hosts[host])
        ports = f"{first} (or {', '.join(map(str, others))})" if others else str(first)
        by_ports.setdefault(ports, []).append(host)
    return [(_alternatives(same), ports) for ports, same in by_ports.items()]


def _alternatives(hosts: Sequence[str]) -> str:
    if len(hosts) > _CANDIDATES:
        return f"{', '.join(hosts[:_CANDIDATES])} or another address of this machine"
    return " or ".join(hosts)


def _preset_lacking(policy: Policy) -> str:
    """What to add to the allowlist for a CUCM of any release."""
    entries = load_presets()[_NEEDED].entries
    if any(policy.decide(entry.target).reason is Reason.IN_PRESET for entry in entries):
        return f". CUCM 14SU4, 15SU2 and newer also need the preset {_NAMED} in allowlist.presets"
    return ""
