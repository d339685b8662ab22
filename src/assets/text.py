"""Vietnamese and hostile text: cleaning at the edge, folding for search, keys for sorting."""

import re
import unicodedata
from collections.abc import Mapping

from assets.errors import Invalid
from assets.phrases import Phrase, Told

TEXT_MAX = 255
CODE_MAX = 40
LONGER_BEFORE = 4  # a Vietnamese letter is up to three characters before it is normalised
_D = str.maketrans({"đ": "d", "Đ": "D", "ð": "d", "Ð": "D"})
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}  # huyền hỏi ngã sắc nặng
_RANK = {letter: rank for rank, letter in enumerate(_LETTERS, start=40)}


def clean(text: str, limit: int = TEXT_MAX) -> str:
    """One line that every store and page accepts: NFC, no control, surrogate or bidi characters, `limit` at most."""
    # Cut before it is normalised: the time for that grows with the square of the marks that stand on one letter.
    some = unicodedata.normalize("NFC", text[: LONGER_BEFORE * limit])
    kept = "".join(c for c in some if unicodedata.category(c) not in _UNWANTED)
    return " ".join(kept.split())[:limit].rstrip()


_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean_code(text: str, limit: int = CODE_MAX) -> str:
    """A tag or code as it is kept: `clean`, in upper case before it is cut, for some letters get longer by that (ß)."""
    return clean(text.upper(), limit)


def clean_block(text: str, limit: int) -> str:
    """Like `clean`, for text of several lines: line breaks stay, runs of more than two of them do not."""
    text = text[: LONGER_BEFORE * limit].replace("\r\n", "\n").replace("\r", "\n")
    lines = [clean(line, limit) for line in text.split("\n")]
    return "\n".join(lines).strip()[:limit].rstrip()


def overlong(texts: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """What is wrong with those of the texts (name → text and limit) that would be cut, were they cleaned and kept."""
    wrong: dict[str, str] = {}
    for name, (text, limit) in texts.items():
        most = LONGER_BEFORE * limit
        count = len(text) if len(text) > most else len(clean_block(text, most))
        if count > limit:
            wrong[name] = Told(
                Phrase("At most %(limit)s characters; this is %(count)s.", {"limit": limit, "count": count})
            )
    return wrong


def uncut(name: str, text: str, limit: int = TEXT_MAX, *, lines: bool = False) -> str:
    """Somebody's own words, cleaned (also over several `lines`); Invalid names them when they would have to be cut."""
    if wrong := overlong({name: (text, limit)}):
        raise Invalid(fields=wrong)
    return clean_block(text, limit) if lines else clean(text, limit)


def fold(text: str) -> str:
    """The accent-blind form that search compares: "Máy in Sơn Hà" → "may in son ha"."""
    decomposed = unicodedata.normalize("NFD", text.translate(_D))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def spelled(text: str) -> str:
    """The form that search compares where accents count: NFC, no upper case, one way to write tones (hoà → hòa)."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", _LATE_TONE.sub(r"\1\3\2", decomposed))


_LATE_TONE = re.compile("([ou])([aey])([\u0300\u0301\u0303\u0309\u0323])")


def searchable(*texts: str) -> str:
    """What a row is found by, for its column `search`: its words blind to accents and, when some have any, as spelt.

    Spaces stand around each word, so that a pattern can ask for whole ones: " may in ha máy in hà ". Syllables that a sign
    joins stand apart as well: " hoa-xa hoa xa hóa-xã hóa xã ". The SQL function of the same name does the same.
    """
    words = [word for text in texts for said in text.split() if (word := said.strip(_EDGES))]
    words += [part for word in words for part in _joined(word)]
    blind, exact = " ".join(map(fold, words)), " ".join(map(spelled, words))
    return f" {blind} " if blind == exact else f" {blind} {exact} "


def serial_key(text: str) -> str:
    """A serial number as it is compared: whatever its case, its width, and the spaces and dashes between its parts.

    The SQL function of the same name does the same. Empty when nothing is left: a dash says that there is none.
    """
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()


_BETWEEN = re.compile(r"[\s\u00ad\u2010-\u2015\u2212-]")


def search_words(q: str, most: int = 8) -> list[str]:
    """The words of a search as `searchable` has them: blind to accents, but one that is typed with some is as typed."""
    words = [said.strip(_EDGES) or said for said in q.split()]
    # Signs between words mean nothing; alone they are found nowhere.
    words = [word for word in words if _SIGN.sub("", word)] or words
    pairs = [(fold(part), spelled(part)) for word in words for part in _joined(word) or [word]]
    return [blind if blind == exact else exact for blind, exact in pairs if blind][:most]


def _joined(word: str) -> list[str]:
    """The syllables that signs join, some with accents; tags and numbers ("QN-001/2") are one word each."""
    if word.isascii():
        return []
    plain = unicodedata.normalize("NFD", word)
    return [part for part in _SIGN.split(plain) if part] if _SIGN.search(plain) and _ACCENT.search(plain) else []


_EDGES = ",.;:()[]\"'“”‘’!?"
# Of decomposed text: "≠" is no sign but a letter with a mark.
_SIGN = re.compile("[-!\"#$%&'()*+,./:;<=>?@\\[\\\\\\]^_`{|}~«»·‐‑‒–—―‘’‚“”„•…−](?![\u0300-\u036f])")
_ACCENT = re.compile("[\u0300-\u036fđĐðÐ]")


def sort_key(text: str) -> str:
    """A plain string that sorts as a Vietnamese dictionary does: letters first, tones only between equal letters."""
    letters, tones = [], []
    for char in unicodedata.normalize("NFC", text).casefold():
        parts = unicodedata.normalize("NFD", char)
        base = unicodedata.normalize("NFC", "".join(p for p in parts if p not in _TONES))
        tones.append(str(next((_TONES[p] for p in parts if p in _TONES), 0)))
        letters.append(_rank(base))
    return "".join(letters) + " " + "".join(tones)


def _rank(letter: str) -> str:
    # Spaces first, then digits and signs by their code, then the Vietnamese letters, then everything else.
    if letter.isspace():
        return "0"
    if letter in _RANK:
        return f"2{_RANK[letter]}"
    return f"1{ord(letter[0]):04x}" if ord(letter[0]) < 128 else f"3{ord(letter[0]):06x}"
