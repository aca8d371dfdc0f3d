"""The structure of the code base: imports between rooms, installed packages, unique names, and lock files."""

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

# The rooms from top to bottom: each may import itself and the rooms below it. A folder stands for all that is in it.
FLOORS = (
    "app.__main__",
    "app.cli",
    "app.commands",
    "app.screen",
    "demo",
    "doctor",
    "app.service",
    "app.admin",
    "app.overview",
    "app.observers",
    "app.logs",
    "app.settings",
    "app.version",
    "app.terminal",
    "probe",
    "products",
    "proxy.gate",
    "proxy.tunnel",
    "proxy.parent",
    "proxy.parent.protocol",
    "proxy.dial",
    "proxy.net",
    "proxy.protocol",
    "proxy.settings",
    "proxy.auth",
    "proxy.wire",
    "diagnosis",
    "ledger",
    "licensing",
    "certs",
    "allowlist",
    "files",
    "records",
    "language",
)
# Values in, values out: these rooms, and each room's `settings`, may import nothing that waits or moves bytes.
PURE = (
    "proxy.parent.protocol",
    "proxy.protocol",
    "proxy.settings",
    "proxy.auth",
    "proxy.wire",
    "diagnosis",
    "licensing",
    "allowlist",
    "records",
    "language",
)
NO_TEXTS = {".png", ".webp", ".pyc"}
WAITING = {"asyncio", "select", "selectors", "socket", "ssl", "threading"}
# The one exception: TLS between two buffers in memory waits for nothing.
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
    """Yield the dotted name of each module that the source of `name` imports, at any depth."""
    is_package = name in PACKAGES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name if is_package else name.rpartition(".")[0]
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names if f"{origin}.{alias.name}" in MODULES)


def _room(name: str) -> str | None:
    """The innermost room that a module belongs to; None for the empty module of a folder of rooms."""
    inner = name.partition(".")[2] + "."
    return max((room for room in FLOORS if inner.startswith(f"{room}.")), key=len, default=None)


def _is_pure(name: str) -> bool:
    return _room(name) in PURE or (name.startswith("licensegate.proxy.") and name.endswith(".settings"))


def _may_import(name: str, imported: str) -> bool:
    """Tell whether the module called `name` may import the one called `imported`."""
    room = _room(name)
    top = imported.partition(".")[0]
    if top != "licensegate":
        return not _is_pure(name) or top not in WAITING - IN_MEMORY.get(name, set())
    if imported in MODULES and _room(imported) is None:
        return True
    return room in FLOORS and _room(imported) in FLOORS[FLOORS.index(room) :]


def _pins(lock: str) -> dict[str, str]:
    """Version of each package in a lock, the names in their normal form."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split()[0].split("==") for line in lines if "==" in line)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_nothing_above_it(name: str) -> None:
    imports = _imports(name, MODULES[name].read_text(encoding="utf-8"))
    assert [imported for imported in imports if not _may_import(name, imported)] == []


def test_every_module_belongs_to_a_room() -> None:
    folders = {"licensegate.app", "licensegate.proxy"}
    assert {name for name in MODULES if _room(name) is None} == folders
    assert {_room(name) for name in MODULES} - {None} == set(FLOORS)


def test_architecture_page_names_every_room_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| room | what it does |\n|---|---|\n")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `([a-z_/]+?)/?`", table, re.MULTILINE)
    assert sorted(named) == sorted(room.replace(".", "/") for room in FLOORS if room != "app.__main__")


@pytest.mark.parametrize(
    ("name", "source", "upwards"),
    [
        ("allowlist.rule", "import licensegate.proxy.gate", True),
        ("doctor.step", "from licensegate.app.commands.check import report", True),
        ("allowlist.rule", "import socket", True),
        ("records.record", "def late():\n    from licensegate.app.cli import main", True),
        ("records.record", "from licensegate.allowlist.target import Target", True),
        ("licensing.read", "import socket", True),
        ("licensing.meaning", "from licensegate.proxy.gate import Gate", True),
        ("files.watch", "from licensegate.certs.pem import CertificateError", True),
        ("proxy.tunnel.tunnel", "from licensegate.elsewhere import thing", True),
        ("proxy.wire.http1", "from ..protocol.conversation import Conversation", True),
        ("proxy.wire.http1", "from ..auth.scheme import Scheme", True),
        ("proxy.wire.http1", "import ssl", True),
        ("proxy.wire.tls_layer", "import socket", True),
        ("proxy.auth", "from ..protocol.conversation import Conversation", True),
        ("proxy.protocol.conversation", "from licensegate.proxy.tunnel.tunnel import Tunnel", True),
        ("proxy.protocol.conversation", "import socket", True),
        ("proxy.protocol.conversation", "from asyncio.events import Handle", True),
        ("proxy.protocol.conversation", "from ..net.poller import Poller", True),
        ("proxy.net.poller", "from ..tunnel.relay import Relay", True),
        ("proxy.net.listener", "from ..gate import Gate", True),
        ("proxy.dial.dialer", "from ..parent.selector import ParentSelector", True),
        ("proxy.parent.selector", "from ..tunnel.relay import Relay", True),
        ("proxy.settings", "import ssl", True),
        ("proxy.parent.protocol.ntlm", "import threading", True),
        ("proxy.parent.protocol.digest", "from ..account import Account", True),
        ("proxy.parent.settings", "import ssl", True),
        ("app.settings.build", "from licensegate.app.admin.server import AdminServer", True),
        ("proxy.wire.tls_layer", "import ssl", False),
        ("app.service.run", "from licensegate.records import outcome", False),
        ("doctor.path.own_gate", "from licensegate.proxy.gate import Gate", False),
        ("proxy.tunnel.tunnel", "import socket, licensegate.allowlist.target", False),
        ("proxy.tunnel.tunnel", "from .relay import Relay\nfrom ..protocol.conversation import Conversation", False),
        ("proxy.protocol.commands", "from licensegate.certs.identity import ServerIdentity", False),
        ("proxy.protocol.conversation", "from licensegate.proxy import wire", False),
        ("proxy.auth", "from ...allowlist import policy\nfrom licensegate.records.outcome import Outcome", False),
        ("proxy.parent.selector", "import asyncio\nfrom ..dial.dialer import Dialer", False),
    ],
)
def test_the_import_check_finds_upward_imports(name: str, source: str, upwards: bool) -> None:
    name = f"licensegate.{name}"
    assert all(_may_import(name, imported) for imported in _imports(name, source)) is not upwards


def _importers() -> dict[str, set[str]]:
    """The modules that import each module of ours, and each package of others."""
    importers: dict[str, set[str]] = defaultdict(set)
    for name, file in MODULES.items():
        for imported in _imports(name, file.read_text(encoding="utf-8")):
            importers[imported if imported in MODULES else imported.partition(".")[0]].add(name)
    return importers


def test_only_suggest_rules_imports_tomlkit() -> None:
    importers = _importers()
    assert importers["tomlkit"] == {"licensegate.app.settings.edit"}
    assert importers["licensegate.app.settings.edit"] == {"licensegate.app.commands.suggest_rules"}
    assert importers["licensegate.app.commands.suggest_rules"] == set(), "cli.py loads it when it is typed"


def test_only_the_drawing_on_a_terminal_imports_rich() -> None:
    importers = _importers()
    assert importers["rich"] == {"licensegate.app.screen.drawn"}
    assert importers["licensegate.app.screen.drawn"] == {"licensegate.app.commands.showing"}


def test_the_top_level_package_proxy_is_not_ours() -> None:
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


def test_public_class_names_are_unique() -> None:
    homes = defaultdict(list)
    for name, file in MODULES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_every_package_is_listed_so_that_a_wheel_holds_it() -> None:
    assert sorted(PACKAGES) == sorted(PYPROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_urls(lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if not line.startswith("    --hash=sha256:")]
    assert [line for line in requirements if "==" not in line or "://" in line or line.startswith("-")] == []
    assert len(requirements) < len(lines)


def test_the_locks_of_one_environment_agree() -> None:
    versions = defaultdict(set)
    for lock in ("run", "test", "demo", "kerberos", "lint", "lock", "fuzz"):
        for package, version in _pins(lock).items():
            versions[package].add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_pyproject(lock: str) -> None:
    needed = {"run": PYPROJECT["project"]["dependencies"] + PYPROJECT["build-system"]["requires"]}
    pins = _pins(lock)
    wanted = [Requirement(text) for text in (needed | PYPROJECT["dependency-groups"])[lock]]
    assert [str(need) for need in wanted if pins.get(canonicalize_name(need.name), "0") not in need.specifier] == []


def test_no_text_installs_licensegate_from_a_package_index() -> None:
    # Nobody of ours holds the name there. An install uses the wheelhouse, with --no-index, or the checkout.
    files = [*MODULES.values(), *ROOT.glob("*file"), *ROOT.glob("*.md")]
    for folder in ("docs", "scripts", "deploy"):
        files += [file for file in (ROOT / folder).rglob("*") if file.is_file() and file.suffix not in NO_TEXTS]
    named = []
    for file in files:
        text = file.read_text(encoding="utf-8").replace("\\\n", "")
        commands = re.findall(r"pip3? install[^`\n]*", text)
        named += [(file.name, command) for command in commands if re.search(r"\blicensegate\b(?![-/.])", command)]
    assert {name for name, _ in named} == {"Dockerfile", "operations.md"}
    assert [(name, command) for name, command in named if "--no-index" not in command] == []
