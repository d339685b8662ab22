"""A paper before it is a file: parts with a head, text, tables and signatures. Pure; whoever prints it adds no words.

All values are text as it is to be read. PDF and DOCX are made from the same document, so that both say the same.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

DOTS = "…"  # of a line to be filled in by hand
LEADER = "\t"  # in a text: dots up to the next place, or to the end of the line
_KEPT = "\n\t"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


class Style(StrEnum):
    """How a paragraph looks."""

    PLAIN = "plain"
    STRONG = "strong"
    ITALIC = "italic"
    CENTRED = "centred"


class Align(StrEnum):
    """Where the text of a column stands."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True)
class Text:
    """A paragraph; a tab in it is a leader of dots to write on."""

    text: str
    style: Style = Style.PLAIN
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Column:
    """A column of a table: `width` in mm (0: it shares what is left), `under` a head over it and its neighbours."""

    head: str
    width: float = 0
    align: Align = Align.LEFT
    under: str = ""


@dataclass(frozen=True)
class Row:
    """The cells of a line; the first one covers `span` columns, `strong` is for groups and sums, `centred` for numbers of
    columns.
    """

    cells: Sequence[str]
    strong: bool = False
    centred: bool = False
    span: int = 1


@dataclass(frozen=True)
class Table:
    """A table whose head is repeated on each page."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    size: float = 9.0  # points in the PDF
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Signature:
    """Who signs: a title, what is written below it, and the name if it is known."""

    title: str
    note: str = "(Ký, ghi rõ họ tên)"
    name: str = ""


@dataclass(frozen=True)
class Head:
    """What stands above the title: `form` at the right, the issuing body and number left, the motto and day right."""

    issuer: Sequence[str]
    number: str
    day: str
    form: Sequence[str] = ()
    about: str = ""


@dataclass(frozen=True)
class Part:
    """What begins on a page of its own: a letter, its annex."""

    title: str
    blocks: Sequence[Text | Table]
    head: Head | None = None
    subtitle: Sequence[str] = ()
    signatures: Sequence[Signature] = ()
    below: Sequence[Signature] = ()
    recipients: Sequence[str] = ()
    landscape: bool = False


@dataclass(frozen=True)
class Document:
    """A paper; `draft` is a word that stands across each page."""

    name: str
    parts: Sequence[Part]
    draft: str = ""


def plain(text: object) -> str:
    """Text that stays text in any file: no control, bidi or surrogate characters."""
    return "".join(c for c in str(text) if c in _KEPT or unicodedata.category(c) not in _UNSEEN)


def data_of(document: Document) -> dict[str, Any]:
    """The document as plain values, each text cleaned."""
    found = _plain_values(document)
    assert isinstance(found, dict)
    return found


def _plain_values(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain_values(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain_values(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def dotted(text: str, dots: int = 30) -> str:
    """The text, or a line of dots to write on."""
    return text.strip() or DOTS * dots


def money(value: int | None, unknown: str = "") -> str:
    """Whole đồng without the word: 10.000.000; `unknown` where there is no figure."""
    if value is None:
        return unknown
    return f"{value:,}".replace(",", ".").replace("-", "−")


def whole(value: int | None) -> str:
    """A count; nothing where it is not known."""
    return "" if value is None else money(value)


def long_day(day: date | None) -> str:
    """ngày 26 tháng 11 năm 2026; with dots where the day is not known. Days and months below 10 as NĐ 30/2020 has them."""
    if day is None:
        return f"ngày {DOTS}{DOTS} tháng {DOTS}{DOTS} năm {DOTS}{DOTS}{DOTS}"
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def short_day(day: date | None) -> str:
    """26/11/2026; nothing where the day is not known."""
    return f"{day:%d/%m/%Y}" if day else ""


def lines_of(text: str) -> list[str]:
    """The lines of a setting that have something in them."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def total(values: Iterable[int | None]) -> int | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
