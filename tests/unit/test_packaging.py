"""What holds the parts together: who may import whom, what is installed under which name, and what the locks hold."""

import ast
import importlib
import importlib.util
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# The rooms from top to bottom: each may import itself and what stands below it.
ROOMS = ("app", "proxy", "certs", "allowlist")

# Inside proxy these hold the protocol and know no socket. Only conversation itself may import conversation.
BELOW_CONVERSATION = {
    "admission", "auth", "census", "checks", "commands", "inner_hello", "outcome", "record", "refusals", "settings",
    "snapshot", "states", "wire",
}  # fmt: skip
PURE = BELOW_CONVERSATION | {"conversation"}
# These move bytes, from the bottom to the top: each may import those before it, and whatever is pure.
MOVING = (
    "poller", "channel", "own_sockets", "keepalive", "candidates", "deadlines", "flow", "linger", "relay", "resolver",
    "dialer", "parent", "listener", "password_checks", "surroundings", "probe", "tunnel", "gate",
)  # fmt: skip
# These hold what is said to a parent proxy, and are as pure as the rest of the protocol.
PURE_OF_PARENT = {"basic", "challenges", "digest", "exchange", "password", "scheme", "standing"}
# What would let the pure ones wait or move bytes.
WAITING = {"asyncio", "select", "selectors", "socket", "ssl", "threading"}
# TLS between two buffers in memory waits for nothing.
IN_MEMORY = {"licensegate.proxy.wire.tls_layer": {"ssl"}}

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {package: ROOT / folder for package, folder in PYPROJECT["tool"]["setuptools"]["package-dir"].items()}
LOCKS = sorted(file.stem for file in (ROOT / "requirements").glob("*.txt"))


def _modules() -> dict[str, Path]:
    """Every module of ours: its dotted name and its file."""
    modules = {}
    for package, folder in FOLDERS.items():
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            modules[".".join((package, *parts)).removesuffix(".__init__")] = file
    return modules


MODULES = _modules()
PACKAGES = {name for name, file in MODULES.items() if file.name == "__init__.py"}


def _imports(name: str, source: str) -> Iterator[str]:
    """Yield the dotted name of each module that the source of the one called `name` imports, wherever in it."""
    is_package = name in PACKAGES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name if is_package else name.rpartition(".")[0]
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names if f"{origin}.{alias.name}" in MODULES)


def _may_import(name: str, imported: str) -> bool:
    """Tell whether the module called `name` may import the one called `imported`."""
    _, room, *inner = name.split(".")
    top, *rest = imported.split(".")
    is_said_to_parent = room == "proxy" and inner[0:1] == ["parent"] and set(inner[1:2]) <= PURE_OF_PARENT
    is_pure = room == "proxy" and (not inner or inner[0] in PURE or is_said_to_parent)
    if top != "licensegate":
        return not (is_pure and top in WAITING - IN_MEMORY.get(name, set()))
    if rest[0] != room:
        return rest[0] in ROOMS[ROOMS.index(room) :]
    if is_said_to_parent and rest[1:2] == ["parent"]:
        return set(rest[2:3]) <= PURE_OF_PARENT
    if is_pure and len(rest) > 1:
        return rest[1] in (PURE if inner[0:1] == ["conversation"] else BELOW_CONVERSATION)
    if room == "proxy" and len(rest) > 1:
        return rest[1] in {*PURE, *MOVING[: MOVING.index(inner[0])]} or rest[1] == inner[0] == "parent"
    return True


def _pins(lock: str) -> dict[str, str]:
    """Version of each package in a lock, the names in their normal form."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split()[0].split("==") for line in lines if "==" in line)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_nothing_above_it(name: str) -> None:
    imports = _imports(name, MODULES[name].read_text(encoding="utf-8"))
    assert [imported for imported in imports if not _may_import(name, imported)] == []


def test_the_architecture_says_what_every_file_is_for_and_names_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set()
    for line in page.partition("| file | responsibility |\n|---|---|\n")[2].partition("\n\n")[0].splitlines():
        cell = line.split("|")[1]
        if "**" in cell:
            room = cell.strip(" */")
        named |= {(room, name.partition("/")[0]) for name in re.findall(r"`([^`]+)`", cell)}

    files = {(name.split(".")[1], name.split(".")[2]) for name in MODULES if name.count(".") > 1}
    data = {(file.parent.parent.name, file.parent.name) for file in ROOT.glob("allowlist/*/*.toml")}
    assert named == (files | data | {("allowlist", "networks.csv")}) - {("app", "__main__")}


def test_a_file_of_the_proxy_either_moves_bytes_or_is_pure_and_never_both() -> None:
    files = {name.split(".")[2] for name in MODULES if name.startswith("licensegate.proxy.")}

    assert sorted(files) == sorted([*PURE, *MOVING])


@pytest.mark.parametrize(
    ("name", "source", "upwards"),
    [
        ("allowlist.rule", "import licensegate.proxy", True),
        ("proxy.record", "def late():\n    from licensegate.app.cli import main", True),
        ("proxy.tunnel", "from licensegate.elsewhere import thing", True),
        ("proxy.wire.http1", "from ..conversation import Conversation", True),
        ("proxy.auth", "from ..conversation import Conversation", True),
        ("proxy.conversation", "from licensegate.proxy.tunnel import Tunnel", True),
        ("proxy.conversation", "import socket", True),
        ("proxy.conversation", "from asyncio.events import Handle", True),
        ("proxy.commands", "import ssl", True),
        ("proxy.inner_hello", "from .conversation import Conversation", True),
        ("proxy.states", "from .tunnel import Tunnel", True),
        ("proxy.poller", "from .channel import Channel", True),
        ("proxy.flow", "from .relay import Relay", True),
        ("proxy.listener", "from .gate import Gate", True),
        ("proxy.parent.route", "from ..listener import Listener", True),
        ("proxy.parent.exchange", "import socket", True),
        ("proxy.parent.digest", "from .connection import Connection", True),
        ("proxy", "import ssl", True),
        ("proxy.wire.http1", "import ssl", True),
        ("proxy.wire.tls_layer", "import socket", True),
        ("proxy.wire.tls_layer", "import ssl", False),
        ("app.service", "from licensegate.proxy import outcome", False),
        ("proxy.tunnel", "import socket, licensegate.allowlist.target", False),
        ("proxy.tunnel", "from .relay import Relay\nfrom .conversation import Conversation", False),
        ("proxy.linger", "from .channel import Channel", False),
        ("proxy.commands", "from licensegate.certs.identity import ServerIdentity", False),
        ("proxy.conversation", "from licensegate.proxy import outcome, wire", False),
        ("proxy.auth", "from ...allowlist import policy\nfrom ..outcome import Outcome", False),
        ("proxy.parent.route", "import asyncio\nfrom ..dialer import Dialer\nfrom .passage import Passage", False),
        ("proxy.parent.digest", "from .challenges import Challenge\nfrom ..record import printable", False),
    ],
)
def test_the_arrows_tell_up_from_down(name: str, source: str, upwards: bool) -> None:
    name = f"licensegate.{name}"
    assert all(_may_import(name, imported) for imported in _imports(name, source)) is not upwards


def test_proxy_is_not_ours() -> None:
    spec = importlib.util.find_spec("proxy")
    assert spec is not None, "proxy.py, which has that name, is not installed here"
    assert spec.origin is not None, "proxy is a folder on sys.path"
    assert Path(spec.origin).parent != ROOT / "proxy"


def test_no_module_of_ours_is_loaded_twice() -> None:
    imported = {name: file for name, file in MODULES.items() if not name.endswith(".__main__")}
    for name in imported:
        importlib.import_module(name)
    names = defaultdict(set)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).resolve() in MODULES.values():
            names[Path(file).resolve()].add(name)
    assert names == {file: {name} for name, file in imported.items()}


def test_every_package_is_listed_so_that_a_wheel_holds_it() -> None:
    assert sorted(PACKAGES) == sorted(PYPROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if not line.startswith("    --hash=sha256:")]
    assert [line for line in requirements if "==" not in line or "://" in line or line.startswith("-")] == []
    assert len(requirements) < len(lines)


def test_the_locks_of_one_environment_agree() -> None:
    versions = defaultdict(set)
    for lock in ("run", "test", "kerberos", "lint", "lock"):
        for package, version in _pins(lock).items():
            versions[package].add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_meets_what_pyproject_asks_for(lock: str) -> None:
    needed = {"run": PYPROJECT["project"]["dependencies"] + PYPROJECT["build-system"]["requires"]}
    pins = _pins(lock)
    wanted = [Requirement(text) for text in (needed | PYPROJECT["dependency-groups"])[lock]]
    assert [str(need) for need in wanted if pins.get(canonicalize_name(need.name), "0") not in need.specifier] == []
