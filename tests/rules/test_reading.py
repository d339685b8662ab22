"""Files that people import: any encoding, delimiter and shape is read; what is hostile or damaged is refused by name."""

import io
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.clock import LOCAL_ZONE
from assets.errors import Invalid
from assets.inventory.batches import looks, reading
from assets.inventory.batches.encodings import decoded
from assets.inventory.batches.reading import Sheet, Unreadable, read_table
from assets.inventory.batches.sheet import headings
from assets.inventory.batches.text_tables import delimiter
from assets.web.cells import Cell, plain
from assets.web.sheets import BOM, Book, csv_lines

VIETNAMESE = [
    "Máy in Canon LBP 2900, Trung tâm Phục vụ hành chính công xã Sơn Hà",
    "Mã tài sản;Tên;Vị trí\r\nQN-001;Bộ lưu điện;Phường Cẩm Thành",
    "Điều chuyển về xã Đăk Rơ Wa; người sử dụng: công chức hộ tịch",
    "MÁY QUÉT TÀI LIỆU, ƯU TIÊN SỬA CHỮA",
    "hoà, hòa, thuý, thúy, quỹ, ngoẵng, khuỷu, nghiễng, đặc biệt",
    "Nguyên giá 12.500.000 ₫, đưa vào sử dụng 01/02/2024",
    "ở Ba Tơ", "đ", "ươm", "Trà Bồng", "lý do",
]  # fmt: skip
WESTERN = ["São Tomé, perì, però, Þórður", "Müller, Größe, naïve, façade, 20 €", "Ñandú, ý, õ", "È già lì, più là"]
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with its mark": lambda text: (BOM + text).encode(),
    "utf-8, marks apart": lambda text: unicodedata.normalize("NFD", text).encode(),
    "utf-16-le with its mark": lambda text: (BOM + text).encode("utf-16-le"),
    "utf-16-be with its mark": lambda text: (BOM + text).encode("utf-16-be"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
}


def of_windows(text: str, *, whole: bool = True) -> bytes:
    """windows-1258: a tone behind its letter; with `whole` those letters that it has with their tone stay one byte."""
    found = b""
    for char in unicodedata.normalize("NFC", text):
        try:
            if not whole:
                raise UnicodeEncodeError("", "", 0, 0, "")
            found += char.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", char)
            tones = "".join(part for part in parts if part in "\u0300\u0301\u0303\u0309\u0323")
            letter = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
            found += (letter + tones).encode("cp1258")
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", VIETNAMESE + WESTERN)
def test_when_a_text_is_in_unicode_then_it_is_read_as_it_was(text: str, encoding: str) -> None:
    table = "a\n" + text  # a table has a delimiter or a line break somewhere
    found, _ = decoded(ENCODINGS[encoding](table))
    assert unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", table)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("text", VIETNAMESE[:-2])
def test_when_a_text_is_in_the_vietnamese_code_page_then_its_marks_are_composed(text: str, whole: bool) -> None:
    assert decoded(of_windows(text, whole=whole)) == (unicodedata.normalize("NFC", text), "windows-1258")


@pytest.mark.parametrize("text", WESTERN)
def test_when_a_text_is_in_the_western_code_page_then_no_letter_becomes_a_mark(text: str) -> None:
    assert decoded(text.encode("cp1252")) == (text, "windows-1252")


WORDS = "máy in quét phường xã đặc khu ủy ban hồ sơ điện tử giấy mực nghiêng khuỷu ưỡn ẩm Ấn Độ Ổ cứng ổn áp"
SYLLABLES = st.sampled_from(WORDS.split())


@given(st.lists(SYLLABLES, min_size=6, max_size=30), st.sampled_from([" ", ";", "\r\n", ","]), st.booleans())
def test_when_any_vietnamese_text_is_in_any_encoding_then_it_is_read(words: list[str], by: str, whole: bool) -> None:
    text = "đơn vị\n" + by.join(words)
    for encode in (*ENCODINGS.values(), lambda text: of_windows(text, whole=whole)):
        assert unicodedata.normalize("NFC", decoded(encode(text))[0]) == text


# --- CSV


def csv(text: str, encoding: str = "utf-8") -> Sheet:
    return read_table(text.encode(encoding), "x.csv")[0]


def why(content: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read_table(content, "tệp")
    assert list(caught.value.fields) == ["file"]
    assert isinstance(caught.value, Unreadable)
    return caught.value.fields["file"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_when_a_table_has_any_delimiter_and_line_ending_then_it_is_read(sign: str, ending: str) -> None:
    rows = [["Mã", "Tên", "Ghi chú"], ["QN-1", f'"Máy{sign} in"', '"a ""b"" c"'], ["QN-2", f'"hai{ending}dòng"', ""]]
    found = csv(ending.join(sign.join(row) for row in rows))
    assert found.headings == ("Mã", "Tên", "Ghi chú")
    assert found.rows == [(2, ("QN-1", f"Máy{sign} in", 'a "b" c')), (3, ("QN-2", f"hai{ending}dòng", ""))]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a,b\n1,2\n", ","), ("a;b\n1,5;2,5\n3,25;4\n", ";"), ("a;b;c\nx, y, z;1;2\n", ";"), ("one\ntwo\n", ","),
        ("DANH SÁCH, THÁNG 5\n\na\tb\tc\n1\t2\t3\n", "\t"), ('a|b\n"x|y"|z\n', "|"), ("a;b\n1;\"x,y,z\n,,,\"\n", ";"),
        ("a,b\n" + "x;y,z\n" * 3, ","), ("", ","), ('"', ","),
    ],
)  # fmt: skip
def test_when_the_first_rows_are_sniffed_then_the_sign_that_cuts_them_evenly_wins(text: str, sign: str) -> None:
    assert delimiter(text) == sign


def test_when_the_delimiter_is_declared_then_it_counts_and_its_line_is_no_row() -> None:
    found = csv("sep=|\r\na|b\r\n1|x,y\r\n")
    assert (found.row, found.headings, found.rows) == (1, ("a", "b"), [(2, ("1", "x,y"))])


def test_when_rows_are_blank_then_they_are_left_out_and_the_others_keep_their_numbers() -> None:
    found = csv("\n a , b\n,\n1,2\n , \n3\n")
    assert (found.row, found.headings) == (2, ("a", "b"))
    assert found.rows == [(4, ("1", "2")), (6, ("3", ""))]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2,3\n", "Row 2 has 3 cells, but there are 2 headings."),
        ('a,b\n"x\ny",2\n3,4,,5\n', "Row 3 has 4 cells"),
        ('a,b\n1,2\n"3,4\n5,6\n', "Row 3 begins a quotation mark that never ends."),
        ('a,b\n"1"x,2\n', "Row 2 has a quotation mark in the wrong place."),
        (f'a,b\n1,2\n{"x" * 140_000},2\n', "Row 3 has a cell that is too long."),
        ("a,b\n1,\0\n", "Line 2 has characters that are no text."),
        ("", "There is nothing in the file."), (" \n,,\n", "There is nothing in the file."),
        ("a,b\n" * 100_002, "more than 100000 rows"), (",".join("x" * 201), "more than 200 columns"),
        ("<html><table><tr><td>1", "This is a web page"), ("\ufeff<?xml version='1.0'?>", "This is a web page"),
    ],
)  # fmt: skip
def test_when_a_csv_cannot_be_right_then_the_reason_names_the_row(text: str, reason: str) -> None:
    assert reason in why(text.encode())


def test_when_a_text_is_in_no_encoding_then_it_is_refused() -> None:
    assert "encoding" in why(b"a,b\n\x81\x8d\x8f,\x90\x9d")
    assert "encoding" in why(b"\xff\xfea")  # half a character
    assert "encoding" in why(b"\xef\xbb\xbf\xff\xff")


def test_when_excel_has_shortened_a_number_before_then_its_place_is_told() -> None:
    found = csv('serial,n\n1.23457E+15,2\nSE+1,E+\n"1,23E+11",3\n')
    assert found.inexact == {(2, 0), (4, 0)}


# --- the row of headings


HEADINGS: list[tuple[str, list[list[Cell]], int, list[str]]] = [
    ("the first row", [["Mã", "Tên"], ["QN-1", "Máy in"]], 0, ["Mã", "Tên"]),
    ("below a title", [["DANH SÁCH TÀI SẢN", None, None], ["STT", "Mã", "Tên"], [1, "a", "b"]], 1, ["STT", "Mã", "Tên"]),
    (
        "below an office, a date and a title",
        [["UBND XÃ SƠN HÀ", None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"], ["Số: 12", None, "Ngày 1 tháng 5"],
         ["STT", "Mã", "Tên", "Ghi chú"], [1, "QN-1", "Máy in", "hỏng"]],
        2, ["STT", "Mã", "Tên", "Ghi chú"],
    ),
    (
        "data with more words than headings, but also numbers",
        [["STT", "Mã", "Tên", None], [1, "a", "b", "c"], [2, "d", "e", "f"]], 0, ["STT", "Mã", "Tên", ""],
    ),
    (
        "two rows, the second below a heading over two columns",
        [["STT", "Tên", "Vị trí", None], [None, None, "Xã", "Phòng"], ["1", "Máy", "Sơn Hà", "Phòng A"]],
        1, ["STT", "Tên", "Xã", "Phòng"],
    ),
    (
        "two rows, and only the group tells two columns apart",
        [["Tên", "Sổ sách", None, "Kiểm kê", None], [None, "Số lượng", "Giá trị", "Số lượng", "Giá trị"], ["Máy", 1, 2, 1, 2]],
        1, ["Tên", "Sổ sách – Số lượng", "Sổ sách – Giá trị", "Kiểm kê – Số lượng", "Kiểm kê – Giá trị"],
    ),
    (
        "a heading over one column only", [["Mã", "Máy", None], [None, "Tên", "Loại"]], 1, ["Mã", "Tên", "Loại"],
    ),
    (
        "data that fill each other's gaps", [["Mã", "Tên", "Loại"], [None, "a", None], ["b", None, "c"]],
        0, ["Mã", "Tên", "Loại"],
    ),
    ("texts only, as in a CSV", [["a", "b"], ["c", "d"]], 0, ["a", "b"]),
    ("dates and flags are data", [["x", None], [date(2026, 1, 1), "a"], [True, "b"]], 0, ["x", ""]),
    ("one word twice is one", [["x", "x", "x"], ["a", "b", "c"]], 1, ["a", "b", "c"]),
    ("nothing but numbers", [[1, 2], [3, 4]], 0, ["1", "2"]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "at", "texts"), [case[1:] for case in HEADINGS], ids=[case[0] for case in HEADINGS])
def test_when_a_table_has_titles_and_groups_then_its_headings_are_found(
    rows: list[list[Cell]], at: int, texts: list[str]
) -> None:
    assert headings(list(enumerate(rows, start=1))) == (at, texts)


# --- workbooks


def book(fill: Callable[[Any], None], **options: Any) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as made:
        fill(made)
    return out.getvalue()


def one_sheet(*rows: list[Any]) -> bytes:
    def fill(made: Any) -> None:
        sheet = made.add_worksheet("Sheet")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return book(fill)


def changed(content: bytes, name: str, change: Callable[[str], str] | None = None, **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            new.writestr(part.filename, change(data.decode()).encode() if change and part.filename == name else data)
        for extra, data in more.items():
            new.writestr(extra.replace("__", "/"), data)
    return out.getvalue()


SHEET1 = "xl/worksheets/sheet1.xml"


def sheet_of(*rows: str) -> bytes:
    """A workbook whose sheet has these rows of XML below its headings."""
    return changed(
        one_sheet(["a", "b"]), SHEET1, lambda xml: xml.replace("</sheetData>", "".join(rows) + "</sheetData>")
    )


def test_when_a_workbook_has_titles_dates_and_numbers_then_cells_have_their_types() -> None:
    def fill(made: Any) -> None:
        sheet = made.add_worksheet("Tài sản")
        day = made.add_format({"num_format": "dd/mm/yyyy"})
        sheet.merge_range(0, 0, 0, 4, "DANH SÁCH TÀI SẢN")
        sheet.write_row(2, 0, ["Mã", "Ngày", "Giá", "Tốt?", "Hệ số"])
        sheet.write_row(4, 0, ["QN-1", None, 12_500_000.0, True, 1.5])
        sheet.write_datetime(4, 1, date(2024, 5, 1), day)
        made.add_worksheet("trống")
        made.add_worksheet("ẩn").hide()

    (found,) = read_table(book(fill), "x.csv")
    assert (found.name, found.row) == ("Tài sản", 3)
    assert found.headings == ("Mã", "Ngày", "Giá", "Tốt?", "Hệ số")
    assert found.rows == [(5, ("QN-1", date(2024, 5, 1), 12_500_000, True, 1.5))]
    assert [type(cell) for cell in found.rows[0][1]] == [str, date, int, bool, float]


def test_when_cells_have_formulas_and_errors_then_both_are_told_with_their_place() -> None:
    def fill(made: Any) -> None:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_row(1, 0, ["x", 1])
        sheet.write_formula("C2", "=B2*2", None, 2)
        sheet.write_formula("B3", "=VLOOKUP(1,A:A,2,0)", None, "#N/A")
        sheet.write_formula("C4", "=[1]khac!A1", None, "từ sổ khác")
        sheet.write("D9", "ghi chú")

    (found,) = read_table(book(fill), "x.xlsx")
    assert found.headings == ("a", "b", "c", "")
    assert found.formulas == {(2, 2), (3, 1), (4, 2)}
    assert found.rows == [
        (2, ("x", 1, 2, None)), (3, (None, "#N/A", None, None)), (4, (None, None, "từ sổ khác", None)),
        (9, (None, None, None, "ghi chú")),
    ]  # fmt: skip


def test_when_a_number_has_more_digits_than_a_spreadsheet_keeps_then_its_place_is_told() -> None:
    (found,) = read_table(one_sheet(["serial"], [123456789012345], [1.23457e15], [12345678901234567890]), "")
    assert found.inexact == {(3, 0), (4, 0)}
    assert [row[0] for _, row in found.rows][:2] == [123456789012345, 1234570000000000]


def zipped(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in parts:
            made.writestr(name, data)
    return out.getvalue()


def lying(content: bytes, more: int) -> bytes:
    """The workbook whose first part has another size in the directory of the zip than it unpacks to."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", struct.unpack("<I", content[at : at + 4])[0] + more) + content[at + 4 :]


FAR = '<row r="{row}"><c r="{cell}" t="inlineStr"><is><t>x</t></is></c></row>'
LIES: dict[str, tuple[bytes, str]] = {
    "a cell below": (sheet_of(FAR.format(row=1_048_576, cell="A1048576")), "more than 100000 rows"),
    "a cell to the right": (sheet_of(FAR.format(row=2, cell="XFD2")), "more than 200 columns"),
    "both": (sheet_of(FAR.format(row=2, cell="GR99999")), "more than 2000000 cells"),
    "a column of four letters": (sheet_of(FAR.format(row=2, cell="ABCD2")), "damaged"),
    "a row without a number": (sheet_of(FAR.format(row="x", cell="A2")), "damaged"),
    "a reference that is a row": (sheet_of(FAR.format(row=2, cell="2")), "damaged"),
    "a huge number": (sheet_of(FAR.format(row=2, cell="A" + "9" * 5000)), "damaged"),
    "XML that ends": (changed(one_sheet(["a"]), SHEET1, lambda xml: xml[:-20]), "damaged"),
    "entities": (
        changed(one_sheet(["a"]), SHEET1, lambda xml: xml.replace("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)),
        "damaged",
    ),
    "no sheet": (changed(one_sheet(["a"]), "xl/_rels/workbook.xml.rels", lambda xml: xml.replace("sheet1", "sheet7")), "damaged"),
    "a sheet of another name": (
        changed(one_sheet(["a"]), "xl/_rels/workbook.xml.rels", lambda xml: xml.replace("sheet1.xml", "sheet1.bin")),
        "damaged",
    ),
    "macros": (changed(one_sheet(["a"]), "", **{"xl__vbaProject.bin": b"x"}), "has macros"),
    "macros of Excel 4": (changed(one_sheet(["a"]), "", **{"xl__macrosheets__sheet1.xml": b"<x/>"}), "has macros"),
    "a book that may have macros": (
        changed(one_sheet(["a"]), "[Content_Types].xml", lambda xml: xml.replace("sheet.main", "sheet.macroEnabled.main")),
        "has macros",
    ),
    "many parts": (changed(one_sheet(["a"]), "", **{f"x{n}": b"" for n in range(1_001)}), "unpacks to more"),
    "zeros": (changed(one_sheet(["a"]), "", x=bytes(30 << 20)), "unpacks to more"),
    "an ODS": (zipped(("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")), "Only .xlsx and CSV"),
    "an .xlsb": (zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.bin", b"x")), "Only .xlsx and CSV"),
    "an empty zip": (zipped(), "Only .xlsx and CSV"),
    "two parts of one name": (zipped(("xl/workbook.xml", b"<x/>"), ("XL/workbook.xml", b"<x/>")), "damaged"),
    "a part that says it is smaller": (lying(one_sheet(["a"]), -1), "unpacks to more"),
    "a part that says it is larger": (lying(one_sheet(["a"]), 1), "damaged"),
    "nothing": (one_sheet(), "nothing in the file"),
    "an .xls": (looks.OLE + bytes(600), "Only .xlsx and CSV"),
    "a password": (looks.OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "password"),
    "half a zip": (one_sheet(["a"])[:900], "damaged"),
    "a PDF": (b"%PDF-1.7", "PDF"), "a picture": (b"\x89PNG\r\n", "picture"), "a packed file": (b"\x1f\x8b\x08", "packed"),
    "a large file": (b"a" * (reading.CONTENT_MAX + 1), "larger than 20 MB"),
}  # fmt: skip


@pytest.mark.parametrize("case", LIES)
def test_when_a_file_is_hostile_or_of_another_kind_then_it_is_refused_before_it_is_read(case: str) -> None:
    content, reason = LIES[case]
    assert reason in why(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_when_a_workbook_is_damaged_anywhere_then_it_is_read_or_refused_but_nothing_else(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        read_table(bytes(content), "x")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_when_a_file_is_anything_then_it_is_read_or_refused(content: bytes) -> None:
    with suppress(Unreadable):
        read_table(content, "x")


GOOD = one_sheet(["Mã", "Tên"], ["QN-1", 5], ["QN-2", True])

# --- round trips with what this service writes

TEXTS = st.one_of(
    st.text("=+-@＝\t\r'\" ,;|\n\u00a0\u200b1aạ", max_size=12),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20),
)
# A number from 10**15 on is written as text, as is a day before 1901: a workbook has neither.
VALUES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-(10**15) + 1, 10**15 - 1), st.dates(date(1901, 1, 1)),
    st.integers(200_000_000, 2**37).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.floats(-1e9, 1e9).map(lambda number: round(number, 3)),
)  # fmt: skip
NAMES = ["=head", "Số, lượng", 'c "d"']


def blank(row: list[Any]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=6))
def test_when_our_own_csv_is_read_then_it_has_the_same_cells(rows: list[list[Any]]) -> None:
    (found,) = read_table(BOM.encode() + csv_lines([NAMES]) + csv_lines(rows), "x.csv")
    assert found.headings == tuple(NAMES)
    expected = [[cell if isinstance(cell, str) else str(plain(cell)) for cell in row] for row in rows]
    assert found.rows == [(at, tuple(row)) for at, row in enumerate(expected, start=2) if not blank(row)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=6))
def test_when_our_own_workbook_is_read_then_it_has_the_same_cells(rows: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xlsx"
        made = Book(path, NAMES)
        made.add(rows)
        made.close()
        (found,) = read_table(path.read_bytes(), "x.xlsx")
    assert (found.headings, found.formulas, found.inexact) == (tuple(NAMES), frozenset(), frozenset())
    expected = [[None if cell == "" else cell for cell in row] for row in rows]
    assert [number for number, _ in found.rows] == [at for at, row in enumerate(expected, start=2) if not blank(row)]
    for number, row in found.rows:
        for cell, written in zip(row, expected[number - 2], strict=True):
            assert _same(cell, written), (cell, written)


def _same(cell: Cell, written: Cell) -> bool:
    if isinstance(written, datetime) and not isinstance(cell, datetime):
        return written == datetime(
            cell.year, cell.month, cell.day, tzinfo=LOCAL_ZONE
        )  # midnight is a day in a workbook
    if isinstance(written, str) and isinstance(cell, str):
        return cell == written or not written.isprintable()
    return cell == written and (type(cell) is type(written) or isinstance(written, float))
