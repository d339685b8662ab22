"""What a table is once it is read, whichever file it came from, and which of its rows has the headings. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from assets.errors import Invalid
from assets.legacy_fonts import respelled, typed_for
from assets.phrases import Phrase
from assets.text import clean
from assets.web.cells import Cell
from assets.web.language import N_

ROWS_MAX = 100_000
COLUMNS_MAX = 200
CELLS_MAX = 2_000_000  # of a file, so that its table fits into memory several times
HEADINGS_WITHIN = 20  # rows that have something in them; titles, dates and notes stand above the headings
HEADING_MAX = 255
SHARED_MAX = 1_000  # different texts

Row = tuple[int, Sequence[Cell]]


class Unreadable(Invalid):
    """A file that cannot be read as a table; `phrase` says why in any language."""

    def __init__(self, text: str, **params: str | int) -> None:
        self.phrase = Phrase(text, params)
        super().__init__(fields={"file": self.phrase.english()})


@dataclass(frozen=True)
class Sheet:
    """One table: `headings` as long as each row, rows with their number as people see it (from 1), none of them blank.

    `row` is the number of the row of headings. `formulas` are the places (row number, column from 0) of cells that hold a
    formula; what is in `rows` is the result that was saved with it. `inexact` are those of numbers that are so large
    that the spreadsheet dropped their last digits. `font` is TCVN3 or VNI when the text was typed for such and is spelt
    anew here.
    """

    name: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[Cell, ...]]]
    formulas: frozenset[tuple[int, int]] = frozenset()
    row: int = 1
    inexact: frozenset[tuple[int, int]] = frozenset()
    font: str = ""


def cut_to_table(name: str, rows: Sequence[Row], blank: Cell = None) -> Sheet:
    """The table in rows that are not blank, `blank` where a row is too short. Unreadable when there is none."""
    if not rows:
        raise Unreadable(N_("There is nothing in the file."))
    at, named = headings(rows)
    font = typed_for(named)  # the headings alone decide: one odd cell below them is no reason to touch a list
    if font:
        rows = respelled(rows, font)
        at, named = headings(rows)
    below = rows[at + 1 :]
    width = max(_width(named), max((_width(row) for _, row in below), default=0))
    return Sheet(
        name,
        tuple(clean(heading, HEADING_MAX) for heading in [*named, *[""] * width][:width]),
        [(number, tuple(row) if len(row) == width else _fitted(row, width, blank)) for number, row in below],
        row=rows[at][0],
        font=font,
    )


def shared() -> Callable[[str], str]:
    """Answers each text that was given before with that same object, or 20,000 rows would hold 20,000 names of a maker."""
    known: dict[str, str] = {}
    return lambda text: known.setdefault(text, text) if len(known) < SHARED_MAX else known.get(text, text)


def headings(rows: Sequence[Row]) -> tuple[int, list[str]]:
    """Which of the first rows has the headings, and them: the one with the most different words, the first if equal.

    Titles have fewer words, and data have numbers, which count against a row. Headings in two rows, some of them side
    by side below one of the first row, are read as one.
    """
    best, chosen = -1, (0, [_text(cell) for cell in rows[0][1]])
    for at, (number, row) in enumerate(rows[:HEADINGS_WITHIN]):
        texts = [_text(cell) for cell in row]
        score = _score(row, texts)
        if at and chosen[0] == at - 1 and rows[at - 1][0] == number - 1 and _goes_on(chosen[1], texts):
            texts = _joined(chosen[1], texts)
            score = max(best + 1, _score(texts, texts))
        if score > best:
            best, chosen = score, (at, texts)
    return chosen


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip()


def _score(row: Sequence[Cell], texts: Sequence[str]) -> int:
    words = {text.casefold() for text in texts if any(map(str.isalpha, text))}
    numbers = sum(
        not isinstance(cell, str) or not any(map(str.isalpha, text))
        for cell, text in zip(row, texts, strict=True)
        if text
    )
    return len(words) - numbers


def _goes_on(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether `below` is the second half of a heading: words only, each row blank somewhere below or above the other."""
    pairs = list(zip_longest(above, below, fillvalue=""))
    words = all(
        any(map(str.isalpha, text)) and not any(map(str.isdigit, text)) for pair in pairs for text in pair if text
    )
    return words and any(a and not b for a, b in pairs) and any(b and not a for a, b in pairs)


def _joined(above: Sequence[str], below: Sequence[str]) -> list[str]:
    found, group = [], ""
    for upper, lower in zip_longest(above, below, fillvalue=""):
        group = upper or group
        # "Số lượng: sổ sách, kiểm kê; giá trị: sổ sách, kiểm kê": only the group tells them apart.
        found.append(f"{group} – {lower}" if lower and below.count(lower) > 1 else lower or upper)
    return found


def _width(row: Sequence[Cell]) -> int:
    return next((at + 1 for at in range(len(row) - 1, -1, -1) if not is_blank(row[at])), 0)


def is_blank(cell: Cell) -> bool:
    """Whether nothing is in a cell that people can see."""
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def _fitted(row: Sequence[Cell], width: int, blank: Cell) -> tuple[Cell, ...]:
    return (*row[:width], *[blank] * (width - len(row)))
