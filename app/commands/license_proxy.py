"""Compares the proxy that a product is set to use with the addresses of this gate."""

from collections.abc import Collection, Sequence

from licensegate.licensing.report import ConfiguredProxy


def compared(
    proxy: ConfiguredProxy, announced: str, addresses: Collection[str], listeners: Sequence[tuple[str, int]]
) -> str:
    """Say whether a proxy is this gate, and what to correct on the product if it nearly is.

    `announced` is the gate's name for its clients or empty, `addresses` are those of its host, and `listeners` the
    hosts and ports that it listens on.
    """
    names = {*addresses, *(host for host, _ in listeners), announced} - {"", "0.0.0.0", "::"}
    ports = sorted({port for _, port in listeners})
    if proxy.address.lower() not in {name.lower() for name in names}:
        return f"its proxy, {proxy.address}, is no address of this gate: its contacts do not pass here"
    if proxy.port not in ports:
        return (
            f"its proxy is this gate, but port {proxy.port} is not one of the gate's: {', '.join(map(str, ports))};"
            " correct the port on the product"
        )
    return "its proxy is this gate"
