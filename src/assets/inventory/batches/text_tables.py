"""A CSV as people's programs write it: any delimiter, any line ending, quotes; what cannot be right is named by row."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from assets.inventory.batches.encodings import decoded
from assets.inventory.batches.sheet import (
    COLUMNS_MAX,
    ROWS_MAX,
    Sheet,
    Unreadable,
    cut_to_table,
    headings,
    is_blank,
    shared,
)
from assets.web.cells import MARK, undone
from assets.web.language import N_

DELIMITERS = (",", ";", "\t", "|")
SNIFFED_ROWS = 50
SNIFFED_CHARACTERS = 1 << 16
CELL_MAX = 131_072  # characters; that of Python's csv, and four times what Excel keeps
_SHORTENED = re.compile(r"-?[0-9](?:[.,][0-9]+)?E\+[0-9]+")
_DECLARED = re.compile(r"sep=(.)(?:\r\n|\r|\n|$)")

Rows = list[tuple[int, tuple[str, ...]]]


def read_csv(content: bytes) -> Sheet:
    """The table of a CSV. Rows count as in a spreadsheet: one that has line breaks in its cells is one row."""
    text = _text(content)
    declared = _DECLARED.match(text)
    if declared:
        text = text[declared.end() :]
    rows = _rows(text, declared[1] if declared else delimiter(text))
    if rows:
        _refuse_ragged(rows)
    table = cut_to_table("", rows, blank="")
    return replace(table, inexact=_shortened(table) if b"E+" in content else frozenset())


def _text(content: bytes) -> str:
    try:
        text, _ = decoded(content)
    except UnicodeError:
        raise Unreadable(
            N_("The encoding of the file is not known. In Excel, save it as “CSV UTF-8” or as .xlsx.")
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(N_("Line %(line)s has characters that are no text. Is this a table?"), line=line)
    return text


def _shortened(table: Sheet) -> frozenset[tuple[int, int]]:
    # What Excel makes of a long number before it writes a CSV.
    return frozenset(
        (number, at)
        for number, row in table.rows
        for at, cell in enumerate(row)
        if isinstance(cell, str) and _SHORTENED.fullmatch(cell)
    )


def delimiter(text: str) -> str:
    """What separates the cells: that which cuts most of the first rows into equally many cells, into more if equal."""
    some = text[:SNIFFED_CHARACTERS]
    return max(DELIMITERS, key=lambda sign: _evenness(some, sign))


def _evenness(text: str, sign: str) -> tuple[float, int]:
    widths = []
    try:
        for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=sign), SNIFFED_ROWS):
            if any(cell.strip() for cell in row):
                widths.append(len(row))
    except csv.Error:
        pass  # the rows up to there will do
    if len(widths) > 1 and len(text) == SNIFFED_CHARACTERS:
        widths.pop()  # it may be cut
    several = Counter(width for width in widths if width > 1)
    if not several:
        return 0.0, 1
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    return count / len(widths), width


def _rows(text: str, sign: str) -> Rows:
    found: Rows = []
    read, same = 0, shared()
    try:
        for read, cells in enumerate(_records(text, sign), start=1):
            row = tuple([same(undone(cell) if cell[:1] == MARK else cell) for cell in cells])
            if not all(map(is_blank, row)):
                found.append((read, row))
                if len(row) > COLUMNS_MAX:
                    raise Unreadable(N_("The file has more than %(columns)s columns."), columns=COLUMNS_MAX)
            if read > ROWS_MAX + 1:
                raise Unreadable(N_("The file has more than %(rows)s rows."), rows=ROWS_MAX)
    except csv.Error as error:
        raise Unreadable(_told(str(error)), row=read + 1) from None
    return found


def _records(text: str, sign: str) -> Iterator[list[str]]:
    return iter(csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True))


def _told(error: str) -> str:
    if "unexpected end" in error:
        return N_("Row %(row)s begins a quotation mark that never ends.")
    if "limit" in error:
        return N_("Row %(row)s has a cell that is too long.")
    return N_("Row %(row)s has a quotation mark in the wrong place.")


def _refuse_ragged(rows: Rows) -> None:
    # Too short is common: Excel leaves out delimiters behind the last cell that has something. Too long is a mistake.
    at, _ = headings(rows)
    width = len(rows[at][1])
    for number, row in rows[at + 1 :]:
        if len(row) > width and any(map(str.strip, row[width:])):
            raise Unreadable(
                N_("Row %(row)s has %(cells)s cells, but there are %(headings)s headings."),
                row=number, cells=len(row), headings=width,
            )  # fmt: skip
