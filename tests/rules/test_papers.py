"""What a paper says: how money and days are written, where settings go, and that no text becomes markup or a connection."""

import io
import json
import socket
import subprocess
import sys
import zipfile
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from assets.papers import typesetting
from assets.papers.defaults import DEFAULTS, PURPOSES, TITLES
from assets.papers.document import Part, Table, Text, data_of, long_day, money, plain
from assets.papers.kinds import Confirmed, CountedThing, Figures, Form, Handed, Inspection, Paper, Wanted
from assets.papers.layout import WIDEST, filled, laid_out
from assets.papers.office import docx_of
from assets.papers.samples import SAMPLES
from assets.papers.templates import values_of
from tests.papers import Paper as Opened
from tests.papers import docx_template, docx_words

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PROPOSAL: Any = SAMPLES[Paper.PROPOSAL]
HANDED: Any = SAMPLES[Paper.HAND_OVER]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10_000_000, "10.000.000"),
        (0, "0"),
        (-1_500, "−1.500"),
        (999, "999"),
        (10**13, "10.000.000.000.000"),
        (None, ""),
    ],
)
def test_money_is_written_with_dots_and_nothing_where_it_is_not_known(value: int | None, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 11, 26), "ngày 26 tháng 11 năm 2026"),
        (date(2026, 2, 3), "ngày 03 tháng 02 năm 2026"),
        (date(2026, 3, 1), "ngày 01 tháng 3 năm 2026"),
        (None, "ngày …… tháng …… năm ………"),
    ],
)
def test_a_day_is_written_as_administrative_papers_have_it(day: date | None, text: str) -> None:
    assert long_day(day) == text


def test_a_place_in_a_form_is_filled_once_and_what_it_brings_is_no_place() -> None:
    form = filled(
        Form(opening="{site} / {unit} / {number} / {other}"), replace(PROPOSAL, site="{unit}", unit="U {number}")
    )
    assert form.opening == "{unit} / U {number} / 12 / {other}"


async def test_when_a_name_has_no_spaces_then_it_is_broken_before_the_edge_of_the_page() -> None:
    said = Confirmed("ThiếtBịKhôngCóKhoảngTrắng_" * 4, "X" * 120, "21:10 ngày 26/11/2026", "Đ" * 400)
    content = replace(HANDED, given=said, received=said)
    document = laid_out(Paper.HAND_OVER, content, DEFAULTS[Paper.HAND_OVER])
    made = Opened(await typesetting.pdf("paper", data_of(document)))
    assert all(made.right(page) <= 210 - 10 for page in range(len(made)))


def test_photos_of_neighbouring_lines_are_told_of_together() -> None:
    sides = [["bên giao"]] * 3 + [[], ["bên giao", "bên nhận"]]
    lines = [Handed(f"Máy {at}", f"T-{at}", photos=photos) for at, photos in enumerate(sides)]
    document = laid_out(Paper.HAND_OVER, replace(HANDED, lines=lines), DEFAULTS[Paper.HAND_OVER])
    assert "tài sản số 1 đến số 3 (bên giao); số 5 (bên giao, bên nhận)." in docx_words(docx_of(document, NOW))


def test_every_paper_has_its_words_and_a_table_fits_its_rows() -> None:
    for paper in Paper:
        assert TITLES[paper]
        assert PURPOSES[paper]
        for part in laid_out(paper, SAMPLES[paper], DEFAULTS[paper]).parts:
            for table in tables(part):
                for row in table.rows:
                    assert len(row.cells) + row.span - 1 == len(table.columns), (paper, row)


def tables(part: Part) -> list[Table]:
    return [block for block in part.blocks if isinstance(block, Table)]


def test_text_that_nobody_sees_is_taken_out() -> None:
    assert plain("a\0b\u202ec\u200bd\ud800e\x1b[1m") == "abcde[1m"


@settings(max_examples=12, deadline=None)
@given(st.text(min_size=1, max_size=300))
async def test_whatever_a_text_is_both_files_can_be_made_and_say_it(text: str) -> None:
    content = replace(PROPOSAL, reason=f"A{text}Z", site=text, lines=[Wanted(text, 1, reason=text)])
    document = laid_out(Paper.PROPOSAL, content, replace(DEFAULTS[Paper.PROPOSAL], closing=text))
    assert (await typesetting.pdf("paper", data_of(document))).startswith(b"%PDF")
    said = docx_words(docx_of(document, NOW))
    wanted = plain(f"A{text}Z").replace("\n", "").replace("\t", "")
    assert wanted.strip() in said.replace("\n", "") or not wanted.isprintable()


@pytest.mark.parametrize("paper", list(Paper))
async def test_a_word_file_has_its_parts_in_the_order_that_word_asks_for(paper: Paper) -> None:
    made = docx_of(laid_out(paper, SAMPLES[paper], DEFAULTS[paper]), NOW)
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        body = etree.fromstring(file.read("word/document.xml"))
        assert not any("thumbnail" in name for name in file.namelist())
    w = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    orders = {"tc": ["tcPr", "p"], "tr": ["trPr", "tc"], "tbl": ["tblPr", "tblGrid", "tr"],
              "tcPr": ["tcW", "gridSpan", "vMerge", "vAlign"], "rPr": ["rFonts", "b", "i", "color", "sz"],
              "tblPr": ["tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblCellMar", "tblLook"]}  # fmt: skip
    for name, order in orders.items():
        for element in body.iter(f"{w}{name}"):
            places = [order.index(child.tag.removeprefix(w)) for child in element]
            assert places == sorted(places), (name, etree.tostring(element)[:300])
    for row in body.iter(f"{w}tr"):
        columns = len(row.getparent().find(f"{w}tblGrid"))
        spans = [cell.find(f"{w}tcPr/{w}gridSpan") for cell in row.iter(f"{w}tc")]
        assert sum(1 if span is None else int(span.get(f"{w}val")) for span in spans) == columns


async def test_nothing_is_fetched_to_make_a_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a paper opens a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    document = laid_out(Paper.NEEDS, SAMPLES[Paper.NEEDS], DEFAULTS[Paper.NEEDS])
    assert "Phường Mẫu" in Opened(await typesetting.pdf("paper", data_of(document))).words()
    assert "Phường Mẫu" in docx_words(docx_of(document, NOW))
    hook = (
        "import sys\n"
        "def hook(event, _):\n    if event in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen'): raise SystemExit(9)\n"
        "sys.addaudithook(hook)\nfrom assets.papers import filled\nfilled.main()"
    )
    values = values_of(SAMPLES[Paper.NEEDS], DEFAULTS[Paper.NEEDS])
    asked = {"template": b64encode(docx_template("{{ lines[0].unit }}")).decode(), "values": values}
    done = subprocess.run(
        [sys.executable, "-c", hook], input=json.dumps(asked).encode(), capture_output=True, check=True
    )
    assert "file" in json.loads(done.stdout)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (4, 1), (60, 5)])
async def test_a_hand_over_of_few_lines_is_one_page_and_of_many_has_no_page_of_signatures_alone(
    count: int, pages: int
) -> None:
    sample: Any = SAMPLES[Paper.HAND_OVER]
    document = laid_out(Paper.HAND_OVER, replace(sample, lines=[sample.lines[0]] * count), DEFAULTS[Paper.HAND_OVER])
    opened = Opened(await typesetting.pdf("paper", data_of(document)))
    assert len(opened) == pages
    assert "mỗi bên giữ" in opened.text(pages - 1)  # the last sentence goes with the signatures
    for at in range(pages):  # the head of the table is on each page that has rows
        assert ("Nguyên giá" in opened.text(at)) == ("VNB3A" in opened.text(at))


@pytest.mark.parametrize("paper", list(Paper))
def test_a_word_file_ends_without_an_empty_page_and_keeps_its_columns(paper: Paper) -> None:
    made = zipfile.ZipFile(io.BytesIO(docx_of(laid_out(paper, SAMPLES[paper], DEFAULTS[paper]), NOW)))
    body = etree.fromstring(made.read("word/document.xml"))[0]
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    last = body[-2]
    assert (last.tag, last.find(f".//{word}sz").get(f"{word}val")) == (f"{word}p", "2")  # lower than any other
    for table in body.iter(f"{word}tbl"):
        assert table.getnext().tag == f"{word}p"  # else two tables become one
        grid = [int(column.get(f"{word}w")) for column in table.iter(f"{word}gridCol")]
        first = list(table.iter(f"{word}tcW"))[: len(grid)]
        if len(first) == len(grid) and table.find(f".//{word}gridSpan") is None:
            assert grid == [int(cell.get(f"{word}w")) for cell in first]


def minutes(count: int) -> Any:
    """Hand-over minutes with so many lines, what is missing and what both sides confirmed."""
    sample: Any = SAMPLES[Paper.HAND_OVER]
    said = Confirmed("Người Mẫu", "Chuyên viên", "08:12 ngày 26/11/2026", "Đủ")
    return replace(sample, lines=[sample.lines[0]] * count, given=said, received=said)


def size_of(paper: Paper, content: Any) -> int:
    """Half points of the text of a Word file."""
    made = zipfile.ZipFile(io.BytesIO(docx_of(laid_out(paper, content, DEFAULTS[paper]), NOW)))
    styles = etree.fromstring(made.read("word/styles.xml"))
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    [normal] = [one for one in styles.iter(f"{word}style") if one.get(f"{word}styleId") == "Normal"]
    return int(normal.find(f"{word}rPr/{word}sz").get(f"{word}val"))


def test_a_word_file_is_set_as_usual_unless_it_is_a_little_too_long_for_its_page() -> None:
    usual = [size_of(paper, SAMPLES[paper]) for paper in (Paper.PROPOSAL, Paper.SUBMISSION, Paper.NEEDS)]
    assert usual == [26] * 3
    assert size_of(Paper.HAND_OVER, minutes(60)) == 26  # it is long anyway
    assert 20 <= size_of(Paper.HAND_OVER, minutes(4)) < 26
    assert 20 <= size_of(Paper.INSPECTION, SAMPLES[Paper.INSPECTION]) < 26


def counted(count: int, *, cost: int | None = 12_500_000, remark: str = "Đang sử dụng") -> Any:
    """Minutes of a stocktake with so many lines, all found."""
    worth = Figures(1, cost, None)
    line = CountedThing("QN-21136-0001", "Máy in", "Quầy 1", 2023, worth, worth, remark)
    return replace(
        SAMPLES[Paper.STOCKTAKE], lines=[replace(line, tag=f"QN-21136-{at:04}") for at in range(1, count + 1)]
    )


@pytest.mark.parametrize("count", [1, 3, 16, 22, 23, 24, 40])
async def test_minutes_of_a_stocktake_are_signed_beside_their_last_line_and_sum(count: int) -> None:
    document = laid_out(Paper.STOCKTAKE, counted(count), DEFAULTS[Paper.STOCKTAKE])
    opened = Opened(await typesetting.pdf("paper", data_of(document)))
    *others, last = (opened.text(at).replace("\u200b", "") for at in range(len(opened)))
    assert all(
        said in last for said in (f"QN-21136-{count:04}", "Tổng cộng", "Theo sổ: 2 tài sản", "Thủ trưởng đơn vị")
    )
    assert not any("Tổng cộng" in text or "Thủ trưởng" in text for text in others)
    assert all(text.count("Nơi sử dụng") == 1 for text in (*others, last))  # the head of the table, once a page
    assert sum(text.count("QN-21136-") for text in (*others, last)) == count


async def test_a_line_that_fills_a_page_is_not_pressed_beside_the_signatures() -> None:
    content = counted(6, remark="Đã lập biên bản báo Công an xã. " * 20)
    opened = Opened(
        await typesetting.pdf("paper", data_of(laid_out(Paper.STOCKTAKE, content, DEFAULTS[Paper.STOCKTAKE])))
    )
    text = " ".join(opened.text(at) for at in range(len(opened)))
    assert text.count("Công an xã.") == 6 * 20


def test_the_sums_of_a_stocktake_have_room_and_say_what_is_not_known() -> None:
    [part] = laid_out(Paper.STOCKTAKE, counted(120), DEFAULTS[Paper.STOCKTAKE]).parts
    table = next(block for block in part.blocks if isinstance(block, Table))
    sums = table.rows[-1].cells
    assert sums[1:4] == ["120", "1.500.000.000", "–"]
    wide = {column.head: column.width for column in table.columns if column.under == "Theo sổ"}
    assert wide["Nguyên giá"] > 23 > 20 > wide["Giá trị còn lại"]  # ten digits in bold take 22 mm
    [empty] = laid_out(Paper.STOCKTAKE, replace(counted(0), members=[]), DEFAULTS[Paper.STOCKTAKE]).parts
    assert next(block for block in empty.blocks if isinstance(block, Table)).rows[-1].cells[1:4] == ["0", "0", "0"]
    assert sum("Ông (Bà)" in block.text for block in empty.blocks if isinstance(block, Text)) == 3


def test_sums_that_cannot_be_leave_the_other_columns_their_room() -> None:
    [part] = laid_out(Paper.STOCKTAKE, counted(50, cost=10**13), DEFAULTS[Paper.STOCKTAKE]).parts
    table = next(block for block in part.blocks if isinstance(block, Table))
    assert max(column.width for column in table.columns) == WIDEST
    across = 297 - 50  # mm of A4 without its margins
    assert sum(column.width for column in table.columns) < across - 20  # for names and remarks


def test_in_a_word_file_the_last_line_and_sum_of_a_stocktake_go_with_the_signatures() -> None:
    document = laid_out(Paper.STOCKTAKE, counted(40), DEFAULTS[Paper.STOCKTAKE])
    body = docx.Document(io.BytesIO(docx_of(document, NOW))).element.body
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    _, table, _ = body.iter(f"{word}tbl")  # between the letterhead and the signatures
    kept = [row.find(f".//{word}keepNext") is not None for row in table.iter(f"{word}tr")]
    assert kept == [False] * (len(kept) - 2) + [True] * 2
    after = [one for one in table.itersiblings(f"{word}p") if "Theo sổ" in "".join(one.itertext())]
    assert [one.find(f".//{word}keepNext") is not None for one in after] == [True]


def test_minutes_of_an_inspection_say_who_takes_part_and_what_nobody_has_to_fill_in() -> None:
    content = replace(cast(Inspection, SAMPLES[Paper.INSPECTION]), measured="")
    words = docx_words(docx_of(laid_out(Paper.INSPECTION, content, DEFAULTS[Paper.INSPECTION]), NOW))
    assert "Địa điểm: Trung tâm Phục vụ hành chính công xã Mẫu." in words
    assert words.count("Ông (Bà): ") == 3
    assert "1. Đại diện đơn vị sử dụng: Ông (Bà)" in words
    assert "Chưa có số liệu" in words
