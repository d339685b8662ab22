"""What a value is in a table that people open with a spreadsheet: typed, and never a formula. Pure.

A CSV has no types: a program that opens it runs whatever looks like a formula. A text that would is written with one
apostrophe more in front, and `undone` takes it away again, whatever the text was.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType
from typing import Any, TypeAlias
from uuid import UUID

from pydantic_core import to_json

Cell: TypeAlias = str | bool | int | float | date | datetime | None
MARK = "'"
# Signs that begin a formula, after NFKC: so also the full-width, small and raised ones, which some programs read alike.
SIGNS = frozenset("=+-@−")
BREAKS = frozenset(
    "\t\r\n"
)  # a cell that begins with one is split or trimmed, and what follows is read as its beginning
_CELLS = frozenset({str, bool, int, float, date, datetime, NoneType})
_NUMBERS = frozenset({int, float, NoneType})
_EMPTY: dict[type, str] = {list: "[]", dict: "{}"}  # what most lists and objects of a register are


def cell(value: object) -> Cell:
    """A field of an answer as a cell: lists and objects become JSON, codes and ids text."""
    if type(value) is str or value is None:  # most of them
        return value
    if isinstance(value, bool | int | float | date) and not isinstance(value, Enum):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str | UUID):
        return str(value)
    return _EMPTY[type(value)] if not value and type(value) in _EMPTY else to_json(value).decode()


def cells(rows: Iterable[Sequence[object]]) -> Iterator[tuple[Cell, ...]]:
    """Fields of many answers as cells, column by column: most columns hold nothing but cells."""
    return zip(*map(_cells, zip(*rows, strict=True)), strict=True)


def _cells(column: tuple[Any, ...]) -> Sequence[Cell]:
    return column if _CELLS.issuperset(map(type, column)) else [cell(value) for value in column]


def plains(rows: Iterable[Sequence[Cell]]) -> Iterator[tuple[str | int | float | None, ...]]:
    """Cells of many rows of a CSV, column by column; None there is written as the empty text."""
    return zip(*map(_plains, zip(*rows, strict=True)), strict=True)


def _plains(column: tuple[Any, ...]) -> Sequence[str | int | float | None]:
    kinds = set(map(type, column))
    if kinds <= _NUMBERS:
        return column
    return [_harmless(text) for text in column] if kinds == {str} else [plain(value) for value in column]


def _harmless(text: str) -> str:
    # A letter, a digit or what begins JSON is no sign in NFKC either.
    return text if not text or text[0].isalnum() or text[0] in "[{" else neutral(text)


def plain(value: Cell) -> str | int | float:
    """A cell of a CSV: numbers as they are, all else text; nothing and the empty text look alike there."""
    if type(value) is str:
        return _harmless(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return neutral(value) if isinstance(value, str) else value


def neutral(text: str) -> str:
    """The text as a CSV may hold it: with one apostrophe in front when a program could read it as a formula."""
    return MARK + text if risky(text) else text


def undone(text: str) -> str:
    """What `neutral` was given."""
    return text[1:] if text.startswith(MARK) and risky(text) else text


def risky(text: str) -> bool:
    """Whether a text, less apostrophes in front, begins like a formula, be it after white space or what nobody sees.

    Apostrophes do not count, so that a text which has some of its own comes back with just those.
    """
    rest = text.lstrip(MARK)
    if not rest:
        return False
    if rest[0] in BREAKS:
        return True
    first = next((char for char in rest if not _unseen(char)), "")
    return unicodedata.normalize("NFKC", first)[:1] in SIGNS if first else False


def _unseen(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Zs", "Mn")
