"""The languages, and which of them a request, a browser or a terminal wants.

A catalog is read when its language first translates something, so a gate that speaks English holds none in memory.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

_CATALOG: Final = "LC_MESSAGES/licensegate.mo"
_RANGE: Final = re.compile(
    r"[ \t]*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*)?"
)


def N_(message: str) -> str:  # noqa: N802  # the name that gettext's tools know
    """Return the message as it is: marks a constant that is translated where it is shown."""
    return message


class Language:
    """A language that texts for people can be in. `code` is its tag (RFC 5646), `name` what its speakers call it."""

    def __init__(self, code: str, name: str) -> None:
        self.code: Final = code
        self.name: Final = name

    def __repr__(self) -> str:
        return f"Language({self.code!r})"

    def gettext(self, message: str) -> str:
        """Translate a message, with its `{placeholders}`; a message without a translation stays English."""
        return self._catalog.gettext(message) if message else ""

    def ngettext(self, one: str, many: str, n: int) -> str:
        """Translate the form of a message that goes with a number."""
        return self._catalog.ngettext(one, many, n)

    @property
    def catalog(self) -> Path | None:
        """The file with its translations; None for English, the language of the messages."""
        file = Path(__file__).with_name(self.code) / _CATALOG
        return file if file.exists() else None

    @cached_property
    def _catalog(self) -> NullTranslations:
        file = self.catalog
        if file is None:
            return NullTranslations()
        with file.open("rb") as content:
            return GNUTranslations(content)


ENGLISH: Final = Language("en", "English")
JAPANESE: Final = Language("ja", "日本語")
LANGUAGES: Final = (ENGLISH, JAPANESE)


def language_named(tag: str) -> Language | None:
    """The language of a tag such as `ja` or `ja-JP`, in any case; None for a language without texts."""
    primary = tag.partition("-")[0].lower()
    return next((language for language in LANGUAGES if language.code == primary), None)


def language_for(accept_language: str, default: Language = ENGLISH) -> Language:
    """The language that an Accept-Language field prefers (RFC 9110 section 12.5.4), else the default.

    Of equal weights the earlier wins, and `*`, which stands for every language not named, comes last. Ranges that
    cannot be read are left out.
    """
    weights: dict[str, float] = {}
    for part in accept_language.split(","):
        if match := _RANGE.fullmatch(part):
            tag = match[1].lower()
            weights[tag] = max(weights.get(tag, 0.0), min(1.0, float(match[2] or 1)))
    others = weights.pop("*", 0.0)
    named = [language for language in map(language_named, weights) if language is not None]
    rest = [language for language in (default, *LANGUAGES) if language not in named]
    best = max(named + rest, key=lambda language: weights.get(language.code, others))
    return best if weights.get(best.code, others) else default


def language_of(environ: Mapping[str, str]) -> Language:
    """The language of a terminal, as gettext finds it: LC_ALL, LC_MESSAGES or LANG, and LANGUAGE beside one of them.

    LANGUAGE is a list of languages. It does not count in the locales C and POSIX, which are English.
    """
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "C")
    if _name(locale) in ("C", "POSIX"):
        return ENGLISH
    wanted = [*environ.get("LANGUAGE", "").split(":"), locale]
    known = (language_named(_name(each).replace("_", "-")) for each in wanted if each)
    return next((language for language in known if language is not None), ENGLISH)


def _name(locale: str) -> str:
    """A locale without its encoding and modifier: `ja_JP.UTF-8` → `ja_JP`."""
    return re.split(r"[.@]", locale, maxsplit=1)[0]
