"""Tables as CSV and XLSX, written row by row: memory does not grow with them."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from assets.clock import LOCAL_ZONE
from assets.web.cells import Cell, plain, plains

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # by it Excel knows that a CSV is UTF-8
ROWS_MAX = 1_048_576  # of a sheet of XLSX, the headings among them
TEXT_MAX = 32_767  # characters of a cell of XLSX
DIGITS_MAX = 10**15  # above it a number of XLSX loses its last digits
FIRST_YEAR = 1900  # of a date of XLSX
WIDTH = 18
CUT = "…"


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows of a CSV in UTF-8: commas, CRLF, every text in quotes, no text that is a formula."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(plains(rows))
    return text.getvalue().encode()


class Book:
    """A workbook in a file: a row of headings that stays in sight, then the rows; a full sheet is followed by another.

    Each cell has its type. Text is text, whatever it begins with. Times are those of clocks in Viet Nam, for XLSX knows
    no zones.
    """

    def __init__(self, path: Path, headings: Sequence[str], *, rows_max: int = ROWS_MAX) -> None:
        import xlsxwriter  # where workbooks are written, and not wherever a CSV is

        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False,
                "strings_to_urls": False, "strings_to_numbers": False,
            },
        )  # fmt: skip
        self._head = self._book.add_format({"bold": True, "bottom": 1})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._headings, self._rows_max = list(headings), rows_max
        self._sheet: Any = None
        self._row = 0
        self._turn()

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Write rows below those that are there."""
        for row in rows:
            if self._row >= self._rows_max:
                self._turn()
            for column, value in enumerate(row):
                self._write(column, value)
            self._row += 1

    def close(self) -> None:
        """Complete the file."""
        self._book.close()

    def drop(self) -> None:
        """Give up a book that nobody waits for; its folder is the caller's to remove."""
        for sheet in self._book.worksheets():
            sheet._opt_close()
        self._book.fileclosed = True

    def _turn(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.set_column(0, max(0, len(self._headings) - 1), WIDTH)
        self._sheet.freeze_panes(1, 0)
        for column, heading in enumerate(self._headings):
            self._sheet.write_string(0, column, heading, self._head)
        self._row = 1

    def _write(self, column: int, value: Cell) -> None:
        sheet, row = self._sheet, self._row
        if value is None or value == "":
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float) and abs(value) < DIGITS_MAX:
            sheet.write_number(row, column, value)
        elif isinstance(value, datetime) and value.year > FIRST_YEAR:
            sheet.write_datetime(row, column, value.astimezone(LOCAL_ZONE).replace(tzinfo=None), self._time)
        elif isinstance(value, date) and not isinstance(value, datetime) and value.year > FIRST_YEAR:
            sheet.write_datetime(row, column, value, self._day)
        else:
            text = value if isinstance(value, str) else str(plain(value))
            sheet.write_string(row, column, text if _length(text) <= TEXT_MAX else _cut(text))


def _length(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)  # Excel counts as UTF-16 does


def _cut(text: str) -> str:
    kept = text.encode("utf-16-le")[: 2 * (TEXT_MAX - len(CUT))].decode("utf-16-le", errors="ignore")
    return kept + CUT
