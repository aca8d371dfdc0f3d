"""Bring the catalogs in language/ up to date with the texts in code, templates and tables: `make catalogs`.

It takes the messages in calls of `gettext`, `ngettext` and `N_`, those in the templates of the admin pages, and the
texts of the tables, which it imports. Strings that become parts of records and steps are taken as they are, from the
files of `PHRASES` (`language/phrases.py`). Translations of messages that still exist are kept, others are dropped, and
what has no translation yet is listed. A catalog has no dates and no line numbers: the same texts make the same files.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from licensegate.diagnosis.codes import Code, CucmMessage
from licensegate.language.phrases import CONTEXT, SEPARATOR
from licensegate.licensing.limits import all_limits
from licensegate.records.outcome import Outcome

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = [ROOT / folder for folder in PYPROJECT["tool"]["setuptools"]["package-dir"].values()]
PHRASES = (
    *("diagnosis/[!c]*.py", "diagnosis/case.py", "diagnosis/certificates.py", "diagnosis/contacts.py"),
    *("doctor/examination.py", "doctor/plan.py", "doctor/step.py", "doctor/*/*.py"),
    *("licensing/times.py", "products/no_answer.py", "app/commands/license_proxy.py", "app/commands/not_looked_at.py"),
    *("allowlist/target.py", "certs/chain.py", "probe/tunnel.py", "probe/verdict.py"),
    *(f"proxy/auth/{name}.py" for name in ("authenticator", "basic", "credentials", "digest", "result")),
    *(f"proxy/parent/{name}.py" for name in ("connect_attempt", "connection", "logins", "negotiate", "protocol/*")),
    *(
        f"proxy/protocol/{name}.py"
        for name in ("admission", "conversation", "inner_hello", "refusals", "revocation", "state_machine")
    ),
    "app/service/occasions.py",
    *(f"proxy/wire/{name}.py" for name in ("client_hello", "http1", "proxy_protocol", "tls_layer")),
    *("proxy/dial/dual_stack.py", "proxy/dial/resolver.py"),
    *("ledger/by_hand.py", "ledger/desk.py", "ledger/keeping.py"),
)
"""The files whose strings are phrases."""

WARNINGS = "app/commands/check_[!r]*.py"
"""Files with warnings of the settings beside the words of a table, which stays English."""

CALLS: dict[str, tuple[int, ...] | None] = {"gettext": None, "ngettext": (1, 2), "N_": None, "_": None}
_SEVERAL_WORDS = re.compile(r"[A-Za-z]{2,}.* \S|^ .*[A-Za-z]{2,}|^0 m?s$")
_WARNING = re.compile(r"^(add|give|lower|name|run|set|use|write) |(\S+ ){4}")
_ONE_WORD = re.compile(r"[a-z]{2,}")
_NO_PHRASE = re.compile(
    r"[\n\\|\[]|%[sdg]|realm=|^(doctor: |look-up |Basic 0|Digest 0)|^0 of 0$|"
    r"^[a-z.]*(listen|source_address|access): 0(: 0)?$|^(realm|latin-1|parent login|IP Address)$"
)
"""Patterns and types, log messages, names of threads, header fields, keys, encodings."""

COMMENT = """\
# {language} texts of LicenseGate. Brought up to date by `make catalogs`; write the translations here.
#"""


class Text(NamedTuple):
    """A message: its English text, or the two of a number, the file that has it and a note for the translator."""

    message: str | tuple[str, ...]
    file: str
    note: str = ""
    context: str | None = None


class LocaleCatalog(Catalog):
    """A catalog whose header has nothing that changes by itself."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The lines of its header."""
        return [
            ("Language", str(self.locale)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.plural_forms),
        ]


def texts() -> Iterator[Text]:
    """Every text for people."""
    for folder in FOLDERS:
        for file in sorted(folder.rglob("*.py")):
            yield from marked(file, "python")
    for pattern in PHRASES:
        for file in sorted(ROOT.glob(pattern)):
            yield from phrases(file)
    for file in sorted(ROOT.glob(WARNINGS)):
        yield from (text for text in phrases(file) if _WARNING.search(str(text.message)))
    for file in sorted((ROOT / "app" / "admin" / "templates").rglob("*.html")):
        yield from marked(file, "jinja2")
    for peer in ("client", "server"):
        yield Text(peer, "proxy/wire/tls_layer.py", "who sent an alert", CONTEXT)
    for message, name, note in _tables():
        if message:
            yield Text(message, name, note)


def marked(file: Path, method: str, root: Path = ROOT) -> Iterator[Text]:
    """The messages marked in a file; `method` is Babel's name of its language."""
    source = file.read_bytes()
    name = str(file.relative_to(root))
    if b"gettext" in source or b"N_(" in source or method != "python":
        for _, message, comments, _ in extract(method, BytesIO(source), CALLS, ["Translators:"]):
            yield Text(message, name, " ".join(comments))


def phrases(file: Path, root: Path = ROOT) -> Iterator[Text]:
    """The f-strings and strings of several words in a file, but for docstrings, as messages with placeholders.

    A placeholder has the name of what it shows: `f"it left after {seconds(waited)}"` is "it left after {waited}".
    """
    name = str(file.relative_to(root))
    for node, least in _strings(ast.parse(file.read_text(encoding="utf-8")), _SEVERAL_WORDS):
        for message in _template(node).split(SEPARATOR):
            words = re.sub(r"\{\w+\}", "0", message)
            if least.search(words) and not _NO_PHRASE.search(words):
                yield Text(message, name, context=CONTEXT)


def _strings(node: ast.AST, least: re.Pattern[str]) -> Iterator[tuple[ast.JoinedStr | ast.Constant, re.Pattern[str]]]:
    """The strings of a program but for docstrings, and what makes each a phrase: inside an f-string, one word does."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Subscript(slice=ast.Constant()):
            pass
        case ast.Raise(exc=ast.Call(func=ast.Name(id="RuntimeError"))):
            pass
        case ast.Constant(value=str()):
            yield node, least
        case ast.JoinedStr():
            yield node, least
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _strings(part.value, _ONE_WORD)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings(child, least)


def _template(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    template = ""
    names: Counter[str] = Counter()
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            name = _name(part.value)
            names[name] += 1
            template += f"{{{name}{names[name] if names[name] > 1 else ''}}}"
        elif isinstance(part, ast.Constant):
            template += str(part.value).replace("{", "{{").replace("}", "}}")
    return template


def _name(node: ast.expr) -> str:
    """A name for a placeholder: that of the value, or of the private function that makes it."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)) if name[0] == "_":
            return name.strip("_").lower()
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lower()
        case ast.Call(args=[first, *_]):
            return _name(first)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.BinOp(left=inner) | ast.UnaryOp(operand=inner):
            return _name(inner)
        case ast.IfExp(test=inner) | ast.BoolOp(values=[inner, *_]) | ast.Compare(left=inner):
            return _name(inner)
    return "value"


def _tables() -> Iterator[tuple[str, str, str]]:
    """The texts of the tables: text, file, label."""
    for outcome in Outcome:
        yield outcome.sentence, "records/outcome.py", outcome.label
        yield outcome.remedy, "records/outcome.py", outcome.label
    for code in Code:
        yield code.sentence, "diagnosis/codes.py", code.label
        yield code.remedy, "diagnosis/codes.py", code.label
    for shown in CucmMessage:
        yield shown.value, "diagnosis/codes.py", "what CUCM shows"
    for limit in all_limits():
        yield limit.meaning, "licensing/clocks.toml", limit.name
        yield limit.starts, "licensing/clocks.toml", f"when {limit.name} starts"


def catalog_of(file: Path) -> LocaleCatalog:
    """The catalog of a .po file, brought up to date. `language/ja/LC_MESSAGES/licensegate.po` is that of `ja`."""
    locale = file.parts[-3]
    old: dict[object, object] = {}
    if file.exists():
        with file.open("rb") as content:
            old = {(each.context, each.id): each.string for each in read_po(content, locale) if each.id}
    catalog = LocaleCatalog(locale, fuzzy=False)
    for text in sorted(texts(), key=lambda text: (text.file, str(text.message))):
        notes = [text.note] if text.note else []
        known = old.get((text.context, text.message))
        catalog.add(text.message, known, [(text.file, 0)], auto_comments=notes, context=text.context)
    return catalog


def po_of(catalog: LocaleCatalog) -> bytes:
    """The catalog as the text that translators edit."""
    catalog.header_comment = COMMENT.format(language=catalog.locale.get_language_name("en"))
    out = BytesIO()
    write_po(out, catalog, width=0, include_lineno=False)
    return out.getvalue()


def mo_of(catalog: LocaleCatalog) -> bytes:
    """The catalog as gettext reads it."""
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def untranslated(catalog: LocaleCatalog) -> list[str]:
    """The messages without a translation."""
    missing = [each.id for each in catalog if each.id and not (each.string and all(each.string))]
    return [message if isinstance(message, str) else message[0] for message in missing]


def main() -> int:
    """Write every catalog and list what has to be translated."""
    for file in sorted((ROOT / "language").glob("*/LC_MESSAGES/licensegate.po")):
        catalog = catalog_of(file)
        file.write_bytes(po_of(catalog))
        file.with_suffix(".mo").write_bytes(mo_of(catalog))
        missing = untranslated(catalog)
        print(f"{file.relative_to(ROOT)}: {len(catalog)} messages, {len(missing)} without a translation")
        print("".join(f"    {message}\n" for message in missing), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
