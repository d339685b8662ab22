"""Fields of the register, and how what people write becomes their values. Pure.

A cell of a workbook has a type, one of a CSV is text, a value of the API is what JSON makes it: all three are read here,
so that a list that was exported is understood when it comes back.
"""

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from assets.phrases import Phrase
from assets.text import clean, fold
from assets.web import words
from assets.web.language import LANGUAGES, N_, translate

MONEY_MAX = 10**13  # whole đồng
YEARS = range(1900, 2200)
LAST_DAY = date(YEARS.stop - 1, 12, 31)
ITEMS_MAX = 32  # of a list


class Type(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    MACS = "macs"
    ADDRESSES = "addresses"


class Wrong(ValueError):
    """A value that a field cannot have; `reason` says why."""

    def __init__(self, reason: Phrase) -> None:
        self.reason = reason
        super().__init__(reason.english())


@dataclass(frozen=True)
class Field:
    """A field by the name that the API has for it.

    `required` must be there when something is added, `once` is never changed afterwards. `empty` is the value of a field
    that nobody filled in. `choices` are the codes that it can have, `words` names the table of their words (see web.words).
    `begins` is a day on which something has begun, or is about to (see `last_beginning`).
    """

    name: str
    type: Type = Type.TEXT
    limit: int = 255
    least: int = 0
    most: int = MONEY_MAX
    choices: tuple[str, ...] = ()
    words: str = ""
    required: bool = False
    once: bool = False
    upper: bool = False
    begins: bool = False
    default: Any = None

    @property
    def empty(self) -> Any:
        """What stands for nothing."""
        if self.default is not None:
            return self.default
        return {Type.TEXT: "", Type.CHOICE: "", Type.MACS: [], Type.ADDRESSES: []}.get(self.type)


def last_beginning(today: date) -> date:
    """The last day on which a thing can be bought, put into use or issued as far as is known: at the end of next year."""
    return date(today.year + 1, 12, 31)


UNADDRESSED = N_("It cannot have / or \\, for it is part of a web address.")


def fits_address(code: str) -> bool:
    """Whether a thing can be found by its tag or code in a web address; servers and browsers take others apart."""
    return not {"/", "\\"} & set(code) and code not in (".", "..")


def read(field: Field, cell: object) -> Any:
    """The value that a cell means, `field.empty` for an empty one; Wrong when it means none."""
    if cell is None or (isinstance(cell, str) and not cell.strip()) or cell == []:
        return field.empty
    return _READERS[field.type](field, cell)


def _text(field: Field, cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a serial or a number plate that a spreadsheet took for a number
    if isinstance(cell, bool | list | dict):
        raise Wrong(Phrase(N_("Text is expected.")))
    whole = " ".join(str(cell).split())
    if field.upper:  # before it is measured and normalised: ß gets longer, ΐ comes apart
        whole = whole.upper()
    kept = clean(whole, field.limit)
    if len(clean(whole, field.limit + 1)) > field.limit:
        raise Wrong(Phrase(N_("At most %(count)s characters."), {"count": field.limit}))
    return kept


_GROUPED = re.compile(r"-?\d{1,3}([.,  ]\d{3})+")
_PLAIN = re.compile(r"-?\d+([.,]0+)?")


def _number(text: str) -> int:
    bare = re.sub(r"\s*(đồng|vnđ|vnd|đ|₫)$", "", text.strip().casefold())
    if _GROUPED.fullmatch(bare):
        return int(re.sub(r"[.,  ]", "", bare))
    if _PLAIN.fullmatch(bare) and len(bare) <= 20:
        return int(re.split("[.,]", bare)[0])
    raise Wrong(Phrase(N_("A whole number is expected.")))


def _whole(field: Field, cell: object) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise Wrong(Phrase(N_("A whole number is expected.")))
    if isinstance(cell, float) and not cell.is_integer():
        raise Wrong(Phrase(N_("A whole number is expected.")))
    number = _number(cell) if isinstance(cell, str) else int(cell)
    if not field.least <= number <= field.most:
        raise Wrong(Phrase(N_("From %(least)s to %(most)s."), {"least": field.least, "most": field.most}))
    return number


_DAY = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")


def _day(field: Field, cell: object) -> date:
    found = None
    try:
        if isinstance(cell, datetime):
            found = cell.date()
        elif isinstance(cell, date):
            found = cell
        elif isinstance(cell, int) and not isinstance(cell, bool) and cell in YEARS:
            found = date(cell, 1, 1)
        elif isinstance(cell, str) and (parts := _DAY.fullmatch(cell.strip())):
            found = date(int(parts[3]), int(parts[2]), int(parts[1]))
        elif isinstance(cell, str) and re.fullmatch(r"\d{4}", cell.strip()):
            found = date(int(cell), 1, 1)
        elif isinstance(cell, str):
            found = date.fromisoformat(cell.strip())
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise Wrong(Phrase(N_("A date is expected, as day/month/year.")))
    return found


_YES = frozenset({"true", "yes", "1", "x", "co", "dung"})
_NO = frozenset({"false", "no", "0", "khong", "sai"})


def _yes_or_no(field: Field, cell: object) -> bool:
    said = fold(str(cell).strip())
    if said in _YES | _NO:
        return said in _YES
    raise Wrong(Phrase(N_("Yes or no is expected.")))


def _choice(field: Field, cell: object) -> str:
    said = fold(str(cell).strip())
    found = _spoken(field.words, field.choices).get(said)
    if found is None:
        known = ", ".join(code for code in field.choices if code)
        raise Wrong(Phrase(N_("One of: %(known)s."), {"known": known[:200]}))
    return found


@cache
def _spoken(table: str, codes: tuple[str, ...]) -> dict[str, str]:
    """Codes by what people write for them: the code itself, and its word in each language."""
    found: dict[str, str] = {}
    for code in codes:
        for text in (code, *(translate(one, words.word(table, code)) for one in LANGUAGES if table)):
            found.setdefault(fold(text), code)
    return found


def _items(cell: object) -> list[str]:
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError:
            raise Wrong(Phrase(N_("A list is expected, separated by commas."))) from None
    parts = re.split(r"[,;\s]+", cell) if isinstance(cell, str) else cell
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Wrong(Phrase(N_("A list is expected, separated by commas.")))
    if len(parts) > ITEMS_MAX:
        raise Wrong(Phrase(N_("At most %(count)s of them."), {"count": ITEMS_MAX}))
    return [part.strip() for part in parts if part.strip()]


def _macs(field: Field, cell: object) -> list[str]:
    """Hardware addresses as lower-case pairs with colons (IEEE 802 EUI-48)."""
    found = []
    for item in _items(cell):
        digits = re.sub(r"[:.\-]", "", item).lower()
        if not re.fullmatch("[0-9a-f]{12}", digits):
            raise Wrong(Phrase(N_("%(text)s is no MAC address."), {"text": item[:40]}))
        found.append(":".join(digits[i : i + 2] for i in range(0, 12, 2)))
    return list(dict.fromkeys(found))


def _addresses(field: Field, cell: object) -> list[str]:
    """IP addresses of both families in their shortest form (RFC 5952)."""
    found = []
    for item in _items(cell):
        try:
            found.append(str(ipaddress.ip_address(item)))
        except ValueError:
            raise Wrong(Phrase(N_("%(text)s is no IP address."), {"text": item[:40]})) from None
    if any("%" in one for one in found):
        raise Wrong(Phrase(N_("An address goes without its zone.")))
    return list(dict.fromkeys(found))


_READERS: dict[Type, Callable[[Field, object], Any]] = {
    Type.TEXT: _text, Type.INTEGER: _whole, Type.MONEY: _whole, Type.DATE: _day, Type.BOOLEAN: _yes_or_no,
    Type.CHOICE: _choice, Type.MACS: _macs, Type.ADDRESSES: _addresses,
}  # fmt: skip


def plain(value: Any) -> Any:
    """A value as JSON keeps it; `read` gives it back."""
    return value.isoformat() if isinstance(value, date) else value
