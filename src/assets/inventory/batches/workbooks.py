"""Workbooks (.xlsx) that anybody may have made: looked through (`looks`), then read by calamine, visible sheets only.

Cells come as what they are: days and times are those of clocks in Viet Nam, as `web.sheets` writes them, and a whole
number is a whole number. Links to other workbooks are not followed; a formula counts as the result that was saved.
"""

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import python_calamine

from assets.clock import LOCAL_ZONE
from assets.inventory.batches.looks import DAMAGED, Look, look_through
from assets.inventory.batches.sheet import Row, Sheet, Unreadable, cut_to_table, is_blank, shared
from assets.web.cells import Cell
from assets.web.language import N_

SHEETS_MAX = 50
EXACT = 10**15  # from here on a spreadsheet drops the last digits of a number
READABLE = 10**19


def read_workbook(content: bytes) -> list[Sheet]:
    """Its visible sheets that have something in them, in their order."""
    looks = look_through(content)
    try:
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            names = _visible(book)
            if len(names) > SHEETS_MAX:
                raise Unreadable(N_("The workbook has more than %(sheets)s sheets."), sheets=SHEETS_MAX)
            found = [_sheet(name, _values(book, name), looks) for name in names]
    except python_calamine.CalamineError:
        raise Unreadable(DAMAGED) from None
    except BaseException as error:
        # What makes the reader itself stumble is no Exception, and no reason to end the process.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(DAMAGED) from None
    return [sheet for sheet in found if sheet is not None]


def _visible(book: python_calamine.CalamineWorkbook) -> list[str]:
    return [
        one.name
        for one in book.sheets_metadata
        if one.typ == python_calamine.SheetTypeEnum.WorkSheet
        and one.visible == python_calamine.SheetVisibleEnum.Visible
    ]


def _values(book: python_calamine.CalamineWorkbook, name: str) -> Iterator[list[Any]]:
    sheet = book.get_sheet_by_name(name)
    left = [""] * (sheet.start[1] if sheet.start else 0)  # the reader gives the blank rows above, but no blank columns
    return (left + values for values in sheet.iter_rows())


def _sheet(name: str, table: Iterator[list[Any]], looks: Mapping[str, Look]) -> Sheet | None:
    look = looks.get(name)
    if look is None:
        raise Unreadable(DAMAGED)
    rows: list[Row] = []
    same = shared()
    for number, values in enumerate(_with_errors(table, look), start=1):
        cells = tuple([(same(value) or None) if type(value) is str else _cell(value) for value in values])
        if not all(map(is_blank, cells)):
            rows.append((number, cells))
    if not rows:
        return None
    sheet = cut_to_table(name, rows)
    formulas = ((row + 1, column) for row, column in look.formulas)
    return replace(
        sheet, formulas=frozenset(place for place in formulas if place[0] > sheet.row), inexact=_inexact(sheet)
    )


def _with_errors(table: Iterator[list[Any]], look: Look) -> Iterator[list[Any]]:
    # The reader leaves cells with #N/A and its like empty, and the rows below its last cell away.
    errors: dict[int, dict[int, str]] = {}
    for (row, column), text in look.errors.items():
        errors.setdefault(row, {})[column] = text
    height = max(errors, default=-1) + 1
    for row in count():
        values = next(table, None)
        if values is None and row >= height:
            return
        values = values or []
        for column, text in errors.get(row, {}).items():
            values.extend([""] * (column + 1 - len(values)))
            values[column] = text
        yield values


def _inexact(sheet: Sheet) -> frozenset[tuple[int, int]]:
    return frozenset(
        (number, column)
        for number, row in sheet.rows
        for column, cell in enumerate(row)
        if type(cell) in (int, float) and abs(cell) >= EXACT  # type: ignore[arg-type]
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=LOCAL_ZONE).astimezone(UTC)
    if isinstance(value, time | timedelta):
        return str(value)
    found: Cell = value
    return found


def _number(value: int | float) -> Cell:
    if not math.isfinite(value):
        return str(value)
    return int(value) if abs(value) < READABLE and value == int(value) else value
