"""The only door to python-docx: a document becomes a .docx that opens in any office program and can be worked on there."""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from assets.papers.document import LEADER, Align, Style, data_of
from assets.papers.document import Document as Paper
from assets.papers.kinds import FIELDS

FONT = "Times New Roman"
SMALL = 11  # points
A4 = (210, 297)
MARGINS = {False: (30, 15), True: (20, 15)}  # mm: left, right, by whether it lies


@dataclass(frozen=True)
class Density:
    """How closely a paper is set: points of text, of heads and signatures, what tables have more than in the PDF; points
    between paragraphs and around the text of a cell; empty lines to sign on; mm above and below, upright and lying.
    """

    body: float
    head: float
    more: float
    after: float
    around: float
    sign: int
    edge: float
    low_edge: float


# As administrative papers have it; a short paper that is a little too long for one page is set more closely instead.
DENSITIES = (
    Density(13, 12, 1.5, 4, 1, 4, 20, 15), Density(12, 11, 1, 3, 1, 3, 15, 12), Density(11, 10.5, 0.5, 1.5, 0.5, 3, 12, 10),
    Density(10.5, 10, 0, 1, 0, 2, 10, 10), Density(10, 9.5, 0, 0.5, 0, 2, 10, 10),
)  # fmt: skip
HALVES = (0.42, 0.58)  # of a letterhead
MOTTO = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
AFTER_TABLE = 5  # points
SPARE = 4  # mm that a page keeps free, for programs differ
SHORT = 40  # rows; beyond that nothing is reckoned
LITTLE = 3  # sentences after the last table that go with the signatures
THUMBNAIL = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
_TWIPS = 56.7  # to a mm
MM_OF_POINT = 25.4 / 72
_SIDES = {Align.LEFT: "left", Align.CENTRE: "center", Align.RIGHT: "right"}
_PARAGRAPH = {"centred": WD_ALIGN_PARAGRAPH.CENTER}
Data = dict[str, Any]


def docx_of(paper: Paper, made_at: datetime) -> bytes:
    """The paper as .docx; the same words as its PDF."""
    data = data_of(paper)
    how = _chosen(data["parts"])
    file = docx.Document()
    _prepare(file, data["name"], made_at, how)
    for number, part in enumerate(data["parts"]):
        section = file.sections[0] if number == 0 else file.add_section()
        width = _page(section, part["landscape"], how)
        if number == 0:
            _edges(section, data["draft"])
        _part(file, part, width, how)
    made = io.BytesIO()
    file.save(made)
    return made.getvalue()


def starter(title: str, content: Any, made_at: datetime) -> bytes:
    """A .docx template to begin with: a line for each value that such a paper has, and a table for each of its lists."""
    file = docx.Document()
    _prepare(file, title, made_at, DENSITIES[0])
    _page(file.sections[0], False, DENSITIES[0])
    _line(file, title.upper(), bold=True, size=14, align=WD_ALIGN_PARAGRAPH.CENTER)
    for name in FIELDS:
        _line(file, f"{{{{ form.{name} }}}}")
    for name, value in _values(content):
        if isinstance(value, list | tuple) and value and is_dataclass(value[0]):
            inside = list(_values(value[0]))
            rows = file.add_table(rows=3, cols=len(inside), style="Table Grid").rows
            rows[0].cells[0].text, rows[2].cells[0].text = f"{{%tr for one in {name} %}}", "{%tr endfor %}"
            for cell, (inner, one) in zip(rows[1].cells, inside, strict=True):
                cell.text = _tag(f"one.{inner}", one)
        else:
            _line(file, f"{name}: {_tag(name, value)}")
    made = io.BytesIO()
    file.save(made)
    return made.getvalue()


def _values(content: Any) -> Iterator[tuple[str, Any]]:
    """The fields of some values with those inside them: (count.cost, 12500000)."""
    for field in fields(content):
        value = getattr(content, field.name)
        if is_dataclass(value):
            yield from ((f"{field.name}.{inner}", one) for inner, one in _values(value))
        else:
            yield field.name, value


def _tag(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{{{{ {name} | join('; ') }}}}"
    by = " | day" if isinstance(value, date) else " | money" if name.rpartition(".")[2] in ("cost", "remaining") else ""
    return f"{{{{ {name}{by} }}}}"


def _prepare(file: Any, name: str, made_at: datetime, how: Density) -> None:
    properties = file.core_properties
    properties.title, properties.author, properties.comments, properties.language = name, "", "", "vi-VN"
    properties.created = properties.modified = made_at
    package = file.part.package  # the picture of an empty page that python-docx puts into each file
    for name in [name for name, one in package.rels.items() if one.reltype == THUMBNAIL]:
        del package.rels[name]
    normal = file.styles["Normal"]
    normal.font.size = Pt(how.body)
    normal.paragraph_format.space_after, normal.paragraph_format.space_before = Pt(how.after), Pt(0)
    normal.paragraph_format.line_spacing = 1.0
    # Every script in one font, also where the program would take its own by the theme.
    for properties_of in (normal.element.get_or_add_rPr(), *file.styles.element.iter(qn("w:rPr"))):
        fonts = properties_of.find(qn("w:rFonts"))
        if fonts is not None:
            properties_of.remove(fonts)
    fonts = OxmlElement("w:rFonts")
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONT)
    normal.element.get_or_add_rPr().insert(0, fonts)


def _page(section: Any, landscape: bool, how: Density) -> int:
    """Set the section's paper; the answer is the width of its text in mm."""
    width, height = sorted(A4, reverse=landscape)
    (left, right), edge = MARGINS[landscape], how.low_edge if landscape else how.edge
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin, section.right_margin, section.top_margin, section.bottom_margin = map(
        Mm, (left, right, edge, edge)
    )
    section.header_distance = section.footer_distance = Mm(min(8, edge / 2))
    return width - left - right


def _edges(section: Any, draft: str) -> None:
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for words in ("PAGE", "NUMPAGES"):
        if words == "NUMPAGES":
            foot.add_run("/").font.size = Pt(SMALL)
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), words)
        run = foot.add_run("1")
        run.font.size = Pt(SMALL)
        field.append(run._r)
        foot._p.append(field)
    if draft:
        head = section.header.paragraphs[0]
        head.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = head.add_run(draft)
        run.bold, run.font.size, run.font.color.rgb = True, Pt(14), RGBColor(0xA0, 0xA0, 0xA0)


def _part(file: Any, part: Data, width: int, how: Density) -> None:
    if part["head"]:
        _letterhead(file, part["head"], width, how)
    if part["title"]:
        _line(file, part["title"], bold=True, size=how.body + 1, align=WD_ALIGN_PARAGRAPH.CENTER)
    for text in part["subtitle"]:
        _line(file, text, italic=True, align=WD_ALIGN_PARAGRAPH.CENTER)
    end = _end(part["blocks"])
    for at, block in enumerate(part["blocks"]):
        if block["kind"] == "table":
            _table(file, block, width, how, kept=at == end - 1)
        else:
            heads = block["style"] == Style.STRONG or block["text"].endswith(":")
            _paragraph(file, block, width).paragraph_format.keep_with_next = at >= end or heads
    _signed(file, part, width, how)


def _end(blocks: Sequence[Data]) -> int:
    """From which block on all stand with the signatures: what follows the last table when that is little, else the last one."""
    tables = [at for at, block in enumerate(blocks, 1) if block["kind"] == "table"]
    after = max(tables, default=0)
    return after if len(blocks) - after <= LITTLE else len(blocks) - 1


def _paragraph(file: Any, block: Data, width: int) -> Any:
    style = block["style"]
    made = _line(
        file, block["text"], bold=style == Style.STRONG, italic=style == Style.ITALIC,
        align=_PARAGRAPH.get(style, WD_ALIGN_PARAGRAPH.LEFT),
    )  # fmt: skip
    leaders = block["text"].count(LEADER)
    for number in range(1, leaders + 1):
        side = WD_TAB_ALIGNMENT.RIGHT if number == leaders else WD_TAB_ALIGNMENT.LEFT
        made.paragraph_format.tab_stops.add_tab_stop(Mm(width * number / leaders), side, WD_TAB_LEADER.DOTS)
    return made


def _line(
    place: Any, text: str, *, bold: bool = False, italic: bool = False, size: float = 0, align: Any = None
) -> Any:
    made = place.add_paragraph()
    run = made.add_run(text)
    run.bold, run.italic = bold or None, italic or None
    if size:
        run.font.size = Pt(size)
    made.alignment = align
    return made


def _letterhead(file: Any, head: Data, width: int, how: Density) -> None:
    for text in head["form"]:
        _line(file, text, size=SMALL, align=WD_ALIGN_PARAGRAPH.RIGHT)
    left, right = _side_by_side(file, [width * one for one in HALVES])
    *above, last = head["issuer"]
    for text in above:
        _into(left, text, how.head)
    _into(left, last, how.head, bold=True)
    _into(left, "———", how.head)
    _into(left, head["number"], how.head)
    if head["about"]:
        _into(left, head["about"], SMALL)
    _into(right, MOTTO[0], how.head, bold=True)
    _into(right, MOTTO[1], how.head, bold=True)
    _into(right, "———————", how.head)
    _into(right, head["day"], how.head, italic=True)
    file.add_paragraph()


def _into(cell: Any, text: str, size: float, *, bold: bool = False, italic: bool = False, align: Any = None) -> None:
    first = cell.paragraphs[0]
    empty = len(cell.paragraphs) == 1 and not first.runs
    made = first if empty else cell.add_paragraph()
    run = made.add_run(text)
    run.bold, run.italic = bold or None, italic or None
    run.font.size = Pt(size)
    made.alignment = WD_ALIGN_PARAGRAPH.CENTER if align is None else align
    made.paragraph_format.space_after = Pt(0)


def _side_by_side(file: Any, widths: Sequence[float]) -> Any:
    table = file.add_table(rows=1, cols=len(widths))
    table.autofit = False
    table._tblPr.insert_element_before(_margins(0), "w:tblLook")
    cells = table.rows[0].cells
    for column, cell, width in zip(table.columns, cells, widths, strict=True):
        column.width = cell.width = Mm(width)  # programs differ in which of the two they read
    _whole(table.rows[0]._tr)
    return cells


def _signed(file: Any, part: Data, width: int, how: Density) -> None:
    for some in (part["signatures"], part["below"]):
        if not some:
            continue
        file.add_paragraph().paragraph_format.keep_with_next = True
        alone = some is part["signatures"] and len(some) == 1
        cells = _side_by_side(file, [width / (2 if alone else len(some))] * (2 if alone else len(some)))
        if alone:
            _recipients(cells[0], part["recipients"], how)
        for cell, one in zip(cells[1:] if alone else cells, some, strict=True):
            _into(cell, one["title"], how.head, bold=True)
            _into(cell, one["note"], min(SMALL, how.head), italic=True)
            for _ in range(how.sign):
                _into(cell, " ", how.head)
            _into(cell, one["name"] or " ", how.head, bold=True)
        if some is part["signatures"] and not alone and part["recipients"]:
            _gap(file)
            (cell,) = _side_by_side(file, [width])
            _recipients(cell, part["recipients"], how)
    _gap(file)


def _recipients(cell: Any, recipients: Sequence[str], how: Density) -> None:
    if recipients:
        _into(cell, "Nơi nhận:", how.head, bold=True, italic=True, align=WD_ALIGN_PARAGRAPH.LEFT)
    for text in recipients:
        _into(cell, text, min(SMALL, how.head), align=WD_ALIGN_PARAGRAPH.LEFT)


# Tables can have thousands of cells: they are built as XML, python-docx takes the square of their number.


def _table(file: Any, block: Data, width: int, how: Density, *, kept: bool = False) -> None:
    columns = block["columns"]
    half_points = round((block["size"] + how.more) * 2)
    widths = [round(value * _TWIPS) for value in _widths(columns, width, half_points / 2)]
    table = OxmlElement("w:tbl")
    table.append(_properties(widths))
    table.append(_grid(widths))
    for cells in _heads(columns, widths):
        table.append(_row(cells, half_points, how.around, head=True))
    for left, row in enumerate(block["rows"], 1 - len(block["rows"])):
        cells = list(_cells(row, columns, widths))
        table.append(_row(cells, half_points, how.around, kept=kept and left >= -1))  # the last line and the sum
    file.element.body.insert_element_before(table, "w:sectPr")
    after = file.add_paragraph()
    after.paragraph_format.space_after = Pt(0)
    after.paragraph_format.keep_with_next = kept or None
    after.paragraph_format.line_spacing = Pt(AFTER_TABLE)  # the mark of the paragraph is as large as text
    after.add_run(" ").font.size = Pt(AFTER_TABLE)


def _widths(columns: Sequence[Data], width: int, size: float) -> list[float]:
    """In mm: those of the columns, no less than the longest word of their heads; columns without one share the rest."""
    known = [max(column["width"], _least(column["head"], size)) if column["width"] else 0.0 for column in columns]
    flexible = known.count(0.0)
    return [one or max(20.0, (width - sum(known)) / flexible) for one in known]


def _least(head: str, size: float) -> float:
    """How wide the longest word of a head is in bold Times, at most, with the margins of its cell."""
    points = max((sum(0.73 if char.isupper() else 0.5 for char in word) for word in head.split()), default=0.0) * size
    return points * MM_OF_POINT + 2.2


def _gap(file: Any) -> None:
    """A paragraph as low as can be: tables without one between them are one table, and the last needs one after it."""
    made = file.add_paragraph()
    made.paragraph_format.space_after = Pt(0)
    made.paragraph_format.line_spacing = Pt(1)
    made.add_run(" ").font.size = Pt(1)


def _properties(widths: Sequence[int]) -> Any:
    found = OxmlElement("w:tblPr")
    _child(found, "w:tblW", w=str(sum(widths)), type="dxa")
    borders = _child(found, "w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        _child(borders, f"w:{side}", val="single", sz="4", space="0", color="000000")
    _child(found, "w:tblLayout", type="fixed")
    found.append(_margins(57))
    return found


def _margins(twips: int) -> Any:
    """What a table keeps free on both sides of the text of a cell."""
    found = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        _child(found, f"w:{side}", w=str(twips), type="dxa")
    return found


def _grid(widths: Sequence[int]) -> Any:
    found = OxmlElement("w:tblGrid")
    for width in widths:
        _child(found, "w:gridCol", w=str(width))
    return found


Cell = tuple[str, str, bool, int, int, str]  # text, side, bold, width in twips, columns, "restart", "continue" or ""


def _heads(columns: Sequence[Data], widths: Sequence[int]) -> Iterator[list[Cell]]:
    if not any(column["under"] for column in columns):
        yield [(column["head"], "center", True, width, 1, "") for column, width in zip(columns, widths, strict=True)]
        return
    upper: list[Cell] = []
    lower: list[Cell] = []
    before = ""
    for column, width in zip(columns, widths, strict=True):
        if not column["under"]:
            upper.append((column["head"], "center", True, width, 1, "restart"))
            lower.append(("", "center", True, width, 1, "continue"))
        else:
            if column["under"] != before:
                under = [w for c, w in zip(columns, widths, strict=True) if c["under"] == column["under"]]
                upper.append((column["under"], "center", True, sum(under), len(under), ""))
            lower.append((column["head"], "center", True, width, 1, ""))
        before = column["under"]
    yield upper
    yield lower


def _cells(row: Data, columns: Sequence[Data], widths: Sequence[int]) -> Iterator[Cell]:
    for at, text in enumerate(row["cells"]):
        place, span = (0, row["span"]) if at == 0 else (at + row["span"] - 1, 1)
        side = "center" if row["centred"] or span > 1 else _SIDES[columns[place]["align"]]
        yield text, side, row["strong"], sum(widths[place : place + span]), span, ""


def _row(cells: Sequence[Cell], half_points: int, around: float, *, head: bool = False, kept: bool = False) -> Any:
    found = OxmlElement("w:tr")
    _whole(found, head=head)
    for text, side, bold, width, span, merged in cells:
        cell = _child(found, "w:tc")
        properties = _child(cell, "w:tcPr")
        _child(properties, "w:tcW", w=str(width), type="dxa")
        if span > 1:
            _child(properties, "w:gridSpan", val=str(span))
        if merged:
            _child(properties, "w:vMerge", val=merged)
        if head:
            _child(properties, "w:vAlign", val="center")
        _written(cell, text, side, bold, half_points, around, kept=kept)
    return found


def _whole(row: Any, *, head: bool = False) -> None:
    """A row stays on one page; a head is repeated on each."""
    properties = row.get_or_add_trPr()
    _child(properties, "w:cantSplit")
    if head:
        _child(properties, "w:tblHeader")


def _written(
    cell: Any, text: str, side: str, bold: bool, half_points: int, around: float, *, kept: bool = False
) -> None:
    paragraph = _child(cell, "w:p")
    properties = _child(paragraph, "w:pPr")
    if kept:
        _child(properties, "w:keepNext")
    _child(properties, "w:spacing", before=str(round(around * 20)), after=str(round(around * 20)))
    _child(properties, "w:jc", val=side)
    run = _child(paragraph, "w:r")
    style = _child(run, "w:rPr")
    if bold:
        _child(style, "w:b")
    _child(style, "w:sz", val=str(half_points))
    words = _child(run, "w:t")
    words.text = text
    words.set(qn("xml:space"), "preserve")


def _child(parent: Any, name: str, **attributes: str) -> Any:
    found = OxmlElement(name)
    for key, value in attributes.items():
        found.set(qn(f"w:{key}"), value)
    parent.append(found)
    return found


# How high a part will be, as far as one can say without setting it; a little too high rather than too low.

_LINE = 1.15  # of the size: what a line of Times is high
_WIDE = 0.7  # of the size: how wide a capital letter is, on average
_NARROW = dict.fromkeys("ijlítfrIìịỉĩ.,;:()-/'", 0.33) | {" ": 0.26}
_USUAL = 0.48
_BORDER = 0.5


def _chosen(parts: Sequence[Data]) -> Density:
    """The widest density with which each part is one page that can be one."""
    least = [found for part in parts if (found := _fitting(part)) is not None]
    return DENSITIES[max(least, default=0)]


def _fitting(part: Data) -> int | None:
    tables = [block for block in part["blocks"] if block["kind"] == "table"]
    if sum(len(table["rows"]) for table in tables) > SHORT:
        return None
    width, height = sorted(A4, reverse=part["landscape"])
    for at, how in enumerate(DENSITIES):
        edge = how.low_edge if part["landscape"] else how.edge
        if _high(part, width - sum(MARGINS[part["landscape"]]), how) * MM_OF_POINT <= height - 2 * edge - SPARE:
            return at
    return None


def _high(part: Data, width: float, how: Density) -> float:
    """In points."""
    found = _head_high(part["head"], width, how) if part["head"] else 0.0
    found += _said_high(part["title"], how.body + 1, width, how, wide=True) if part["title"] else 0
    found += sum(_said_high(text, how.body, width, how) for text in part["subtitle"])
    for block in part["blocks"]:
        found += _table_high(block, width, how) if block["kind"] == "table" else _said_high(
            block["text"], how.body, width, how
        )  # fmt: skip
    return found + _signed_high(part, width, how)


def _lines(text: str, size: float, width: float, *, wide: bool = False) -> int:
    """How many lines a text fills, `width` in mm."""
    of_size = (_WIDE if wide or char.isupper() else _NARROW.get(char, _USUAL) for char in text if char != LEADER)
    points = sum(of_size) * size
    return max(1, math.ceil(points * MM_OF_POINT / width))


def _said_high(text: str, size: float, width: float, how: Density, *, wide: bool = False) -> float:
    return _lines(text, size, width, wide=wide) * size * _LINE + how.after


def _head_high(head: Data, width: float, how: Density) -> float:
    left, right = (width * one - 1 for one in HALVES)
    issued = sum(_lines(text, how.head, left) for text in head["issuer"]) + 2 + bool(head["about"])
    motto = sum(_lines(text, how.head, right) for text in MOTTO) + 2
    form = len(head["form"]) * (SMALL * _LINE + how.after)
    return form + max(issued, motto) * how.head * _LINE + how.body * _LINE + how.after


def _table_high(block: Data, width: float, how: Density) -> float:
    size, columns = block["size"] + how.more, block["columns"]
    widths = [one - 2.2 for one in _widths(columns, int(width), size)]
    found = 0.0
    heads = max(_lines(one["head"], size * 1.05, w) for one, w in zip(columns, widths, strict=True))
    for lines in (
        heads + any(one["under"] for one in columns),
        *(_row_lines(row, size, widths) for row in block["rows"]),
    ):
        found += lines * size * _LINE + 2 * how.around + _BORDER
    return found + AFTER_TABLE


def _row_lines(row: Data, size: float, widths: Sequence[float]) -> int:
    first, *others = row["cells"]
    room = [sum(widths[: row["span"]]), *widths[row["span"] :]]
    return max(_lines(text, size, one) for text, one in zip((first, *others), room, strict=True))


def _signed_high(part: Data, width: float, how: Density) -> float:
    found = 0.0
    for some in (part["signatures"], part["below"]):
        if some:
            each = width / max(2, len(some)) - 1
            titled = max(_lines(one["title"], how.head * 1.05, each) for one in some)
            found += (titled + 1 + how.sign + 1) * how.head * _LINE + how.body * _LINE + how.after
    if part["recipients"] and len(part["signatures"]) > 1:
        found += (1 + len(part["recipients"])) * how.head * _LINE
    return found + 4
