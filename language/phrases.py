"""Texts that are made early and translated late: the evidence in a record, a step of the doctor, the detail of a fault.

Such a text is English where machines read it: in a record, a log, JSON. For people who read another language it is
recognised: the catalog has the texts of the rooms that make them, each with the `{placeholders}` of its f-string. What
is not recognised stays: names, numbers, the words of peers.
"""

import struct
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from itertools import islice
from string import Formatter
from typing import Final, NamedTuple

from msgspec import Struct

from .language import ENGLISH, N_, Language

CONTEXT: Final = "phrase"
"""The context (msgctxt) of such a text in a catalog. Whole sentences are recognised without it."""

SEPARATOR: Final = "; "
"""Between phrases of one text. No phrase has one inside."""

OR: Final = N_(" or ")
"""Between the last words of a list, and here between all."""

_CONTEXT: Final = f"{CONTEXT}\x04"
_END: Final = "。"
_LONGEST: Final = 4000
_MOST_PARTS: Final = 16
_MOST_SPLITS: Final = 4
_MOST_STEPS: Final = 400
"""Texts within a text that are looked at: one made to be ambiguous stays as it is."""

_DEEPEST: Final = 4
_UNIT: Final = 3
"""Letters of ` ms`: a unit belongs to the value before it, not to all that comes before it."""


def reworded(text: str, language: Language) -> str:
    """Translate a text that is one phrase, or several between semicolons."""
    if language is ENGLISH or len(text) > _LONGEST or text.count(SEPARATOR) >= _MOST_PARTS:
        return text
    return _said_again(text, language)


@lru_cache(maxsize=512)  # pages show the same texts again and again
def _said_again(text: str, language: Language) -> str:
    return _rewording(language).said(text)


class _Template(Struct, frozen=True):
    """A message as the literals around and between its placeholders, the names of these, and its translation.

    Placeholders without a literal between them have one value, so there are as many `names` as gaps. A phrase grows at
    its beginning, so its first value is the longest that is possible; a sentence ends with a detail of any text.
    """

    first: str
    between: tuple[str, ...]
    last: str
    names: tuple[tuple[str, ...], ...]
    translation: str
    is_phrase: bool

    def values_in(self, text: str) -> Iterator[list[str]]:
        """What may be in the gaps if the text, which begins and ends as this message does, is made of it."""
        if not self.names:
            return iter([[]] if text == self.first else [])
        if len(text) < len(self.first) + len(self.last):
            return iter([])
        rest = text[len(self.first) : len(text) - len(self.last)]
        if not self.is_phrase:
            return _split_first(rest, self.between)
        splits = islice(_splits(rest, self.between), _MOST_SPLITS)
        return (values for values in splits if self.first or not self._counts_bytes or values[0].isdecimal())

    @property
    def _counts_bytes(self) -> bool:
        return (self.between or (self.last,))[0].startswith(" bytes")

    @property
    def letters(self) -> int:
        """How many letters it has but for its values."""
        return len(self.first) + sum(map(len, self.between)) + (len(self.last) if self.names else 0)


def _split_first(text: str, literals: tuple[str, ...]) -> Iterator[list[str]]:
    """What is between the literals, each taken where it is first; nothing if one is missing."""
    parts = []
    for literal in literals:
        part, found, text = text.partition(literal)
        if not found:
            return
        parts.append(part)
    yield [*parts, text]


def _splits(text: str, literals: tuple[str, ...]) -> Iterator[list[str]]:
    """What is between the literals, in each way, those with the longest first part first."""
    if not literals:
        yield [text]
        return
    *others, literal = literals
    end = len(text)
    while (place := text.rfind(literal, 0, end)) >= 0:
        for parts in _splits(text[:place], tuple(others)):
            yield [*parts, text[place + len(literal) :]]
        end = place + len(literal) - 1


class _Said(NamedTuple):
    """A translation. Of several, that counts for which most is known.

    `letters` of the English are in messages, `own` of them in the outermost; that one `goes_on` after another or not.
    """

    letters: int
    goes_on: bool
    own: int
    text: str


class _Rewording:
    """Finds the messages that a text was made of. `depth` counts phrases within phrases."""

    def __init__(self, templates: tuple[_Template, ...], either: str) -> None:
        self._templates = templates
        self._either = either
        self._beginning: dict[str, tuple[_Template, ...]] = {}
        self._steps = 0

    def said(self, text: str) -> str:
        """The translation of a text; the text itself if that would take too long."""
        self._steps = 0
        said = self.whole(text).text
        return said if self._steps <= _MOST_STEPS else text

    def whole(self, text: str, depth: int = 0) -> _Said:
        """The translation of a text of several phrases; what is not recognised stays."""
        parts = text.split(SEPARATOR)
        if len(parts) > 1:
            sentence = self._one(text, depth, self._with_separator)
            if sentence is not None:
                return sentence
        said, letters = "", 0
        for number, part in enumerate(parts):
            found = self._one(part, depth, self._candidates(part[:1])) or self._followed(part, depth)
            if number:
                said = said + SEPARATOR if found is None else said.removesuffix(_END) + _END
            said += part if found is None else found.text
            letters += 0 if found is None else found.letters
        return _Said(letters, False, 0, said)

    def _one(self, text: str, depth: int, templates: tuple[_Template, ...]) -> _Said | None:
        """The translation of a text of one message, by which most of it is known; None if none made it."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return None
        begun = (each for each in templates if text.endswith(each.last) and text.startswith(each.first))
        found = (self._filled(each, values, depth + 1) for each in begun for values in each.values_in(text))
        best = max(found, key=lambda said: said[:3], default=None)
        return self._alternatives(text, depth) if best is None else best

    def _followed(self, text: str, depth: int) -> _Said | None:
        """The translation of another text with a phrase after it that begins with a comma; None without one."""
        place = text.rfind(", ")
        rest = self._one(text[place:], depth, self._suffixes) if place > 0 else None
        return None if rest is None else _Said(rest.letters, False, 0, text[:place] + rest.text)

    def _alternatives(self, text: str, depth: int) -> _Said | None:
        """The translation of several words or phrases with "or" between them; None if it is another text."""
        said = []
        for part in text.split(OR):
            found = self._one(part, depth + 1, self._candidates(part[:1])) if " " in part else _Said(0, False, 0, part)
            if found is None:
                return None
            said.append(found)
        letters = len(OR) * (len(said) - 1)
        joined = self._either.join(each.text for each in said)
        return _Said(letters + sum(each.letters for each in said), False, letters, joined) if letters else None

    def _filled(self, template: _Template, values: list[str], depth: int) -> _Said:
        said: dict[str, _Said] = {}
        for names, value in zip(template.names, values, strict=True):
            said |= self._named(names, value, depth)
        own = template.letters
        letters = own + sum(each.letters for each in said.values())
        text = template.translation.format(**{name: each.text for name, each in said.items()})
        goes_on = template.is_phrase and not template.first and own > _UNIT
        return _Said(letters, goes_on, own, text)

    def _named(self, names: tuple[str, ...], value: str, depth: int) -> dict[str, _Said]:
        """The values of placeholders that stand side by side: each but the first is a phrase, or empty."""
        first, *others = names
        nothing = dict.fromkeys(others, _Said(0, False, 0, ""))
        if others:
            for place in range(len(value)):
                if any(value.startswith(template.first, place) for template in self._suffixes):
                    rest = self._one(value[place:], depth, self._suffixes)
                    if rest is not None:
                        return nothing | {first: self.whole(value[:place], depth), others[0]: rest}
        return nothing | {first: self.whole(value, depth)}

    def _candidates(self, letter: str) -> tuple[_Template, ...]:
        """The messages that a text with this first letter may be made of."""
        if not letter.isascii():
            return self._templates
        if letter not in self._beginning:
            self._beginning[letter] = tuple(each for each in self._templates if each.first[:1] in ("", letter))
        return self._beginning[letter]

    @cached_property
    def _with_separator(self) -> tuple[_Template, ...]:
        """The sentences that have a semicolon themselves."""
        return tuple(
            each
            for each in self._templates
            if any(SEPARATOR in literal for literal in (each.first, *each.between, each.last))
        )

    @cached_property
    def _suffixes(self) -> tuple[_Template, ...]:
        """The messages that follow another text: they begin with a blank or a comma."""
        return tuple(each for each in self._templates if each.first[:1] in (" ", ","))


@cache
def _rewording(language: Language) -> _Rewording:
    """What recognises the phrases and sentences of a language's catalog."""
    messages = () if language.catalog is None else _messages(language.catalog.read_bytes())
    found = [
        _template(message, translation)
        for message, translation in messages
        if message.startswith(_CONTEXT) or _is_sentence(message)
    ]
    return _Rewording(tuple(found), language.gettext(OR))


def _is_sentence(message: str) -> bool:
    """Whether this is a whole sentence: a frame such as `{text}.` would recognise everything."""
    words = "".join(literal for literal, *_ in Formatter().parse(message))
    return "\x04" not in message and words.endswith(".") and len(words.split()) > 2


def _template(message: str, translation: str) -> _Template:
    literals, names = [""], list[list[str]]()
    is_phrase = message.startswith(_CONTEXT)
    for literal, name, _, _ in Formatter().parse(message.removeprefix(_CONTEXT)):
        literals[-1] += literal
        if name is not None and (literal or not names):
            names.append([name])
            literals.append("")
        elif name is not None:
            names[-1].append(name)
    gaps = tuple(map(tuple, names))
    return _Template(literals[0], tuple(literals[1:-1]), literals[-1], gaps, translation, is_phrase)


def _messages(content: bytes) -> Iterator[tuple[str, str]]:
    """The messages of a compiled catalog and their translations, from its two tables of lengths and places (MO)."""
    _, _, count, *tables = struct.unpack_from("<5I", content)
    for number in range(count):
        pair = []
        for table in tables:
            length, place = struct.unpack_from("<2I", content, table + 8 * number)
            pair.append(content[place : place + length].decode())
        if "\0" not in pair[0]:  # the forms of a number
            yield pair[0], pair[1]
