"""Text that was typed for a Vietnamese font from before Unicode, TCVN3 (.VnTime) or VNI (VNI-Times), spelt anew. Pure.

Such fonts draw Vietnamese letters in the places of others: in a font of today "Máy in" reads "M¸y in" or "Maùy in". The
file says nothing of it, but in no other language do signs and capitals stand inside words like that. What decides is all
of them together: a word such as "cò" is right in Unicode and means "cũ" in TCVN3.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

TCVN3, VNI = "TCVN3", "VNI"
Rows = Sequence[tuple[int, Sequence[Any]]]

# TCVN3 (TCVN 5712:1993, VN3): a letter is one character of windows-1252. Capitals with a tone exist in no such font.
_TCVN3 = dict(zip(
    "µ¶·¸¹" "¨»¼½¾Æ" "©ÇÈÉÊË" "ÌÎÏÐÑ" "ªÒÓÔÕÖ" "×ØÜÝÞ" "ßáâãä" "«åæçèé" "¬êëìíî" "ïñòóô" "\xadõö÷øù" "úûüýþ" "®§¡¢£¤¥¦",
    "àảãáạ" "ăằẳẵắặ" "âầẩẫấậ" "èẻẽéẹ" "êềểễếệ" "ìỉĩíị" "òỏõóọ" "ôồổỗốộ" "ơờởỡớợ" "ùủũúụ" "ưừửữứự" "ỳỷỹýỵ" "đĐĂÂÊÔƠƯ",
    strict=True,
))  # fmt: skip
# VNI: a vowel, and behind it one character for its shape and tone; some letters are one character.
_VNI_BEHIND = {
    "a": dict(zip("ùøûõïâáàåãäêéèúüë", "áàảãạâấầẩẫậăắằẳẵặ", strict=True)),
    "e": dict(zip("ùøûõïâáàåãä", "éèẻẽẹêếềểễệ", strict=True)),
    "o": dict(zip("ùøûõïâáàåãä", "óòỏõọôốồổỗộ", strict=True)),
    "u": dict(zip("ùøûõï", "úùủũụ", strict=True)),
    "y": dict(zip("ùøûõ", "ýỳỷỹ", strict=True)),
    "ô": dict(zip("ùøûõï", "ớờởỡợ", strict=True)),
    "ö": dict(zip("ùøûõï", "ứừửữự", strict=True)),
}  # fmt: skip
_VNI_ALONE = dict(zip("ôöñíìæóòî", "ơưđíìỉĩịỵ", strict=True))
_VNI = {first + behind: letter for first, letters in _VNI_BEHIND.items() for behind, letter in letters.items()}
_VNI |= _VNI_ALONE
# As typed: both capitals, or a capital with a small mark behind it.
_VNI |= {key.upper(): letter.upper() for key, letter in _VNI.items()} | {
    key[0].upper() + key[1:]: letter.upper() for key, letter in _VNI.items()
}
_VNI_LETTER = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))

# VISCII (RFC 1456): a letter is one byte; the six that lie below the blank are control characters to everybody else.
_VISCII = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐ" "ỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲ" "Õắằặấầẩậẽẹếềểễệố" "ồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳ" "ĐứÒÓÔạỷừửÙÚỹỵÝỡư" "àáâãảăữẫèéêẻìíĩỉ" "đựòóôõỏọụùúũủýợỮ"
)  # fmt: skip

_EVIDENCE = {
    # Signs behind a letter or between two; a word that begins with ®; a capital behind a small letter, but not those
    # that windows-1258 has its tones in (Ì, Ò, Þ).
    TCVN3: re.compile("[A-Za-z][µ¶·¸¹¼½¾¨©ª¬\xad]|[A-Za-z][«»®×][A-Za-zµ-þ]|[a-z][Æ-ËÍ-ÑÓ-ÖØ-Ý]|(?<![^\\W_])®[a-zµ-þ]"),
    # A vowel behind another that carries what no Vietnamese syllable has there, and none of the letters that end none.
    VNI: re.compile("(?:[aeouyôö][øûïåä]|[ae][âêù]|oâ|[uôö]ù|[aeuôö]õ)(?![bdfjklqrsvwxz])", re.IGNORECASE),
}  # fmt: skip
_LATIN_1 = re.compile("[\x80-\xff]")
_UNICODE = re.compile("[ăđĩũơưĂĐĨŨƠƯ\u0300-\u0323\u1ea0-\u1ef9]")


def respelled(rows: Rows, font: str) -> Rows:
    """The rows in Unicode, when they were typed for this font; cells in Unicode are left alone."""
    return [(number, [_spelt(cell, font) for cell in row]) for number, row in rows]


def typed_for(texts: Iterable[str]) -> str:
    """Which font these were typed for: TCVN3, VNI or "" for none.

    At least half of those that have letters beyond ASCII must prove it, and more of them than are in Unicode.
    """
    odd = [text for text in texts if not text.isascii()]
    modern = sum(_UNICODE.search(text) is not None for text in odd)
    proofs = {font: sum(sign.search(text) is not None for text in odd) for font, sign in _EVIDENCE.items()}
    font = max(proofs, key=lambda one: proofs[one])
    return font if proofs[font] > modern and 2 * proofs[font] >= len(odd) - modern else ""


def _spelt(cell: Any, font: str) -> Any:
    if not isinstance(cell, str) or not _LATIN_1.search(cell) or _UNICODE.search(cell):
        return cell
    return of_tcvn3(cell) if font == TCVN3 else of_vni(cell)


def of_tcvn3(text: str) -> str:
    """Text typed for a font of TCVN3, in Unicode: "M¸y in" → "Máy in"."""
    return text.translate(_TCVN3_TABLE)


_TCVN3_TABLE = str.maketrans(_TCVN3)


def of_viscii(raw: bytes) -> str:
    """Octets of VISCII in Unicode."""
    return raw.decode("latin-1").translate(_VISCII_TABLE)


_VISCII_TABLE = {0x80 + n: letter for n, letter in enumerate(_VISCII)}


def of_vni(text: str) -> str:
    """Text typed for a font of VNI, in Unicode: "Maùy in" → "Máy in"."""
    return _VNI_LETTER.sub(lambda found: _VNI[found[0]], text)
