"""In which encoding a file of Vietnamese text was written. Pure rules, for the files rarely say.

UTF-8 proves itself: other text is hardly ever valid UTF-8. UTF-16 without a mark shows by its zero bytes. Between the two
code pages of Windows, what decides is that the tone marks of windows-1258 stand behind vowels; in windows-1252 the same
bytes are letters of their own (Ì, Ò, Þ, ì, ò).
"""

import codecs
import re
import unicodedata

from assets.legacy_fonts import typed_for

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
EXPECTED_SHARE = 0.9  # of the characters of a text in UTF-16 without a mark: those that Vietnamese is written with
LOOKED_AT = 1 << 16  # bytes; enough to tell the order of bytes in UTF-16
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_VOWELS = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
_TONED = re.compile(f"[{_VOWELS}][{_TONES}]")
_STRAY = re.compile(f"(?<![{_VOWELS}])[{_TONES}]")
_LETTERS = re.compile("[đĐ]|[ưƯ][ơƠ]")


def decoded(content: bytes) -> tuple[str, str]:
    """The text, without a byte order mark, and the name of its encoding; UnicodeError when it is in none we know."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding), encoding
    if b"\0" in content and (order := _order(content)):
        return content.decode(order), order
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _of_windows(content)


def _order(content: bytes) -> str:
    # Cut to whole pairs; a cut pair of surrogates does not matter.
    some = content[:LOOKED_AT]
    if len(content) % 2:
        return ""
    shares = {order: _share(some.decode(order, errors="replace")) for order in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda order: shares[order])
    return best if shares[best] >= EXPECTED_SHARE else ""


def _share(text: str) -> float:
    return sum(map(_expected, text)) / len(text)


def _expected(char: str) -> bool:
    # ASCII and Latin, the Vietnamese block, marks that combine, punctuation and the sign of the đồng.
    return (
        char in "\t\r\n" or " " <= char < "\u0250" or "\u0300" <= char < "\u0370" or "\u1ea0" <= char < "\u1f00"
        or "\u2010" <= char < "\u20d0"
    )  # fmt: skip


def _of_windows(content: bytes) -> tuple[str, str]:
    # Fonts from before Unicode draw other letters in the places of windows-1252; some of their words look like 1258.
    if typed_for(content.decode("cp1252", errors="ignore").splitlines()):
        return content.decode("cp1252", errors="replace"), "windows-1252"
    try:
        text = content.decode("cp1258")
    except UnicodeDecodeError:
        return content.decode("cp1252"), "windows-1252"
    vietnamese = _TONED.search(text) or _LETTERS.search(text)
    if vietnamese and not _STRAY.search(text):
        return unicodedata.normalize("NFC", text), "windows-1258"
    return content.decode("cp1252"), "windows-1252"
