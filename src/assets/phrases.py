"""Reasons that can be said in any language: an English source phrase and what goes into it, kept as JSON text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PHRASES_MAX = 12


@dataclass(frozen=True)
class Phrase:
    """`text` is a gettext source string, perhaps with %(name)s places; `params` fills them."""

    text: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)

    def english(self) -> str:
        """The phrase as its source says it."""
        if not self.params:
            return self.text
        whole = {n: int(v) if isinstance(v, float) and v.is_integer() else v for n, v in self.params.items()}
        return self.text % whole


class Told(str):
    """A phrase in English that can still be said in any other language, where a plain source string is expected."""

    phrase: Phrase

    def __new__(cls, phrase: Phrase) -> "Told":
        told = super().__new__(cls, phrase.english())
        told.phrase = phrase
        return told


def store(phrases: Iterable[Phrase]) -> str:
    """One text for a column; at most PHRASES_MAX phrases, the first ones."""
    kept = list(phrases)[:PHRASES_MAX]
    return json.dumps([[p.text, dict(p.params)] for p in kept], ensure_ascii=False) if kept else ""


def load(stored: str) -> tuple[Phrase, ...]:
    """The phrases of a column; text that is no list of phrases is one phrase as it stands."""
    if not stored.startswith("["):
        return (Phrase(stored),) if stored else ()
    return tuple(Phrase(text, params) for text, params in json.loads(stored))


def english(stored: str) -> str:
    """A column's phrases in English, joined by semicolons."""
    return "; ".join(phrase.english() for phrase in load(stored))
