"""Cells of exported lists: hostile text stays text in a CSV and in a workbook, and comes back as it was."""

import csv
import io
import tempfile
import unicodedata
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.access.permissions import Role
from assets.web.cells import cell, neutral, plain, risky, undone
from assets.web.sheets import BOM, CUT, TEXT_MAX, Book, csv_lines

BAD = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠a", " =1", "\u00a0=1", "\u200b=1",
       "\ufeff=1", "'=1", "''=1", "\n=1", "\tx", "\rx", "−1", "=cmd|'/C calc'!A0", "﹦1", "⁼1", "\u0301=1",
       "+84905000111"]  # fmt: skip
GOOD = ["", "'", "''", "a=1", "a", "'a", "x-1", "Máy in", "12", "  a", "{}", "[1]", "a\t=1"]
SIGNS = "=+-@＝＋－＠\t\r'\" ,;\n\u00a0\u200b1aạ"
# PostgreSQL keeps neither NUL nor lone surrogates.
TEXTS = st.one_of(
    st.text(SIGNS, max_size=12),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
)
CELLS = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(-(2**62), 2**62), st.dates())


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", BAD)
def test_when_a_text_could_be_a_formula_then_it_gets_one_apostrophe(text: str) -> None:
    assert neutral(text) == "'" + text
    assert undone(neutral(text)) == text


@pytest.mark.parametrize("text", GOOD)
def test_when_a_text_is_harmless_then_it_stays(text: str) -> None:
    assert neutral(text) == text == undone(text)


@settings(max_examples=3_000, deadline=None)
@given(TEXTS)
def test_when_any_text_is_made_neutral_then_no_program_sees_a_formula_and_it_comes_back(text: str) -> None:
    out = neutral(text)
    assert out == text or out == "'" + text
    seen = unicodedata.normalize("NFKC", out.strip().lstrip("\ufeff\u200b").strip())
    assert seen[:1] not in set("=+-@−")
    assert out[:1] not in ("\t", "\r", "\n")
    assert undone(out) == text
    assert undone(neutral(out)) == out


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8))
def test_when_a_csv_is_read_back_then_each_cell_is_the_one_that_was_written(rows: list[list[Any]]) -> None:
    assert read(csv_lines(rows)) == [[str(plain(value)) for value in row] for row in rows]
    for row, back in zip(rows, read(csv_lines(rows)), strict=True):
        for value, text in zip(row, back, strict=True):
            assert undone(text) == value if isinstance(value, str) else not (risky(text) and not _number(text))


def _number(text: str) -> bool:
    return text.lstrip("-").isdigit()


def written(rows: list[list[Any]], **more: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xlsx"
        book = Book(path, ["=head", "b", "c"], **more)
        book.add(rows)
        book.close()
        return path.read_bytes()


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return {name: book.read(name).decode() for name in book.namelist()}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_when_a_workbook_is_read_back_then_it_has_types_and_no_formula(rows: list[list[Any]]) -> None:
    data = written(rows)
    for name, text in parts(data).items():
        assert "<f>" not in text, name
        assert "<f " not in text, name
        assert "<hyperlink " not in text, name
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            found = _at(sheet, at, column)
            if value is None or value == "":
                assert found == ""
            elif isinstance(value, bool) or (isinstance(value, date) and value.year > 1900):
                assert found == value
            elif isinstance(value, int) and abs(value) < 10**15:
                assert found == float(value)
            elif isinstance(value, str):
                assert isinstance(found, str)
                if value.isprintable():
                    assert found == value
            else:
                assert found == str(value)


def _at(sheet: Any, row: int, column: int) -> Any:
    table = sheet.to_python(skip_empty_area=False)
    return table[row][column] if row < len(table) and column < len(table[row]) else ""


def test_when_a_sheet_is_full_then_the_rows_go_on_in_another_one_with_headings() -> None:
    data = written([[n, "x", None] for n in range(7)], rows_max=4)
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    tables = [book.get_sheet_by_index(n).to_python() for n in range(len(book.sheet_names))]
    assert [[row[0] for row in table] for table in tables] == [["=head", 0, 1, 2], ["=head", 3, 4, 5], ["=head", 6]]


def test_when_a_text_is_too_long_for_a_workbook_then_its_beginning_stays_with_a_mark() -> None:
    sheet = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(written([["a" * 40_000, "😀" * 20_000, ""]]))
    ).get_sheet_by_index(0)
    first, second = sheet.to_python()[1][:2]
    assert first == "a" * (TEXT_MAX - 1) + CUT
    assert second == "😀" * ((TEXT_MAX - 1) // 2) + CUT


def test_when_a_field_is_a_list_a_code_or_a_moment_then_its_cell_says_so() -> None:
    moment = datetime(2026, 11, 25, 1, 2, 3, 456, tzinfo=UTC)
    assert cell([{"a": date(2026, 1, 2)}, "é"]) == '[{"a":"2026-01-02"},"é"]'
    assert (cell(Role.CLERK), type(cell(Role.CLERK))) == ("clerk", str)
    assert plain(cell(moment)) == "2026-11-25T01:02:03.000456Z"
    assert plain(cell(date(2026, 1, 2))) == "2026-01-02"
    assert [plain(value) for value in (True, False, None, -5, 1.5)] == ["true", "false", "", -5, 1.5]
    found = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(written([[moment, None, None]])))
    assert found.get_sheet_by_index(0).to_python()[1][0].isoformat(" ", "seconds") == "2026-11-25 08:02:03"
    assert BOM.encode() == b"\xef\xbb\xbf"
