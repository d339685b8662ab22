"""From the values of a paper and its form to the document that is printed. Pure.

The columns of 01/TSC-XLTS, 02/TSC-BBGN and 04/TSC-MSTT and the parts of the minutes are those of the forms; the words of
all papers are Vietnamese, whoever prints them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from assets.papers.defaults import TITLES
from assets.papers.document import (
    DOTS,
    LEADER,
    Align,
    Column,
    Document,
    Head,
    Part,
    Row,
    Signature,
    Style,
    Table,
    Text,
    dotted,
    lines_of,
    long_day,
    money,
    short_day,
    total,
    whole,
)
from assets.papers.kinds import (
    FIELDS,
    Confirmed,
    Disposable,
    DisposalList,
    Figures,
    Form,
    Handed,
    HandOver,
    Inspection,
    Need,
    Needs,
    Paper,
    Proposal,
    Seen,
    Stocktake,
)

LINE = LEADER
_PLACE = re.compile(r"\{(unit|site|number)\}")
HALF = DOTS * 20
WIDEST = 26  # mm of a column of figures; longer ones are broken
PEOPLE = f"Ông (Bà): {LEADER} Chức vụ: {LEADER}"
ORDER = Column("STT", 9, Align.CENTRE)


def laid_out(paper: Paper, content: Any, form: Form, *, draft: str = "") -> Document:
    """The document of a paper."""
    return Document(TITLES[paper], _LAYOUTS[paper](content, filled(form, content)), draft)


def filled(form: Form, content: Any) -> Form:
    """The form with the names of the case at hand in it."""
    site = content.giver if isinstance(content, HandOver) else content.site
    number = content.number if isinstance(content, Proposal | Stocktake) else DOTS * 2
    names = {"unit": content.unit or HALF, "site": site or HALF, "number": str(number)}
    return Form(**{
        name: _PLACE.sub(lambda found: names[found[1]], getattr(form, name)) for name in FIELDS
    })  # fmt: skip


def _head(content: Any, form: Form, *, site: str, about: str = "", day: Any = None) -> Head:
    usual = ["ỦY BAN NHÂN DÂN", content.unit.upper(), site.upper()] if content.unit else [site.upper() or DOTS * 12]
    return Head(
        issuer=lines_of(form.issuer) or [line for line in usual if line], number=form.number_pattern, about=about,
        day=f"{DOTS * 5}, {long_day(day)}", form=lines_of(form.form_number),
    )  # fmt: skip


def _signed(form: Form, names: Sequence[str] = ()) -> list[Signature]:
    known = [*names, "", "", ""]
    return [Signature(title, name=name) for title, name in zip(lines_of(form.signatories), known, strict=False)]


def _basis(form: Form) -> list[Text]:
    return [Text(line, Style.ITALIC) for line in lines_of(form.legal_basis)]


def _said(text: str) -> list[Text]:
    return [Text(line) for line in lines_of(text)]


def _to(form: Form) -> Text:
    return Text("Kính gửi: " + dotted("; ".join(lines_of(form.addressee)), 20), Style.CENTRED)


def _wanted(content: Proposal, form: Form) -> Table:
    columns = [
        ORDER, Column("Nội dung đề nghị"), Column("Đơn vị tính", 15, Align.CENTRE), Column("Số lượng", 15, Align.RIGHT),
        Column("Đang sử dụng", 17, Align.RIGHT), Column("Trong đó hỏng", 17, Align.RIGHT), Column("Lý do, ghi chú", 46),
    ]  # fmt: skip
    rows = [
        Row([str(at), line.name, form.unit_of_measure if line.measure is None else line.measure, whole(line.quantity),
             whole(line.in_use), whole(line.broken), line.reason])
        for at, line in enumerate(content.lines, 1)
    ]  # fmt: skip
    sums = ["", whole(total(line.quantity for line in content.lines)), "", "", ""]
    return Table(columns, [*rows, Row(["Tổng cộng", *sums], strong=True, span=2)], size=9.5)


def _proposal(content: Proposal, form: Form) -> list[Part]:
    blocks: list[Text | Table] = [
        _to(form), *_basis(form), *_said(form.opening), _wanted(content, form), Text("Lý do đề nghị:", Style.STRONG),
        Text(content.reason.strip() or LINE), *_said(form.closing),
    ]  # fmt: skip
    return [Part(
        "PHIẾU ĐỀ NGHỊ CẤP THIẾT BỊ", blocks, _head(content, form, site=content.site, day=content.day),
        subtitle=[f"(Đề nghị số {content.number} trên hệ thống)"], recipients=lines_of(form.recipients),
        signatures=_signed(form, [content.requested_by]),
    )]  # fmt: skip


def _submission(content: Proposal, form: Form) -> list[Part]:
    blocks: list[Text | Table] = [
        _to(form), *_basis(form), *_said(form.opening), Text("1. Sự cần thiết", Style.STRONG),
        Text(content.reason.strip() or LINE), Text("2. Nội dung đề nghị", Style.STRONG), _wanted(content, form),
        Text("3. Kinh phí và nguồn kinh phí", Style.STRONG), Text(LINE), *_said(form.closing),
    ]  # fmt: skip
    return [Part(
        "TỜ TRÌNH", blocks, _head(content, form, site=content.site, day=content.day),
        subtitle=[f"Về việc đề nghị cấp thiết bị cho {content.site}"], recipients=lines_of(form.recipients),
        signatures=_signed(form),
    )]  # fmt: skip


def _hand_over(content: HandOver, form: Form) -> list[Part]:
    columns = [
        ORDER, Column("Danh mục tài sản"), Column("Đơn vị tính", 14, Align.CENTRE), Column("Số lượng", 13, Align.RIGHT),
        Column("Nguyên giá (đồng)", 24, Align.RIGHT), Column("Giá trị còn lại (đồng)", 24, Align.RIGHT), Column("Ghi chú", 26),
    ]  # fmt: skip
    lines = [
        Row([str(at), _named(line), form.unit_of_measure, "1", money(line.cost), money(line.remaining), line.note])
        for at, line in enumerate(content.lines, 1)
    ]  # fmt: skip
    groups = {"A": "Trụ sở", "B": "Xe ô tô", "C": "Máy móc, thiết bị", "D": "Tài sản khác"}
    rows: list[Row] = []
    for letter, name in groups.items():
        rows.append(Row([letter, name, "", "", "", "", ""], strong=True))
        rows += lines if letter == "C" else []
    sums = ["", whole(len(lines)), *_worth(content.lines), ""]
    rows.append(Row(["Tổng cộng", *sums], strong=True, span=2))
    decision = (
        f"Căn cứ Quyết định số {dotted(content.decision_number, 6)} {long_day(content.decision_date)} của {DOTS * 14};"
    )
    blocks: list[Text | Table] = [
        *_basis(form), Text(decision, Style.ITALIC),
        Text(f"Hôm nay, {long_day(content.day)}, tại {DOTS * 16}, việc bàn giao, tiếp nhận tài sản công được thực hiện như sau:"),
        *_said(form.opening),
        Text("A. THÀNH PHẦN THAM GIA BÀN GIAO, TIẾP NHẬN", Style.STRONG),
        Text(f"1. Bên giao: {content.giver or LEADER}"), Text(_person(content.given)), Text(PEOPLE),
        Text(f"2. Bên nhận: {content.receiver or LEADER}"), Text(_person(content.received)), Text(PEOPLE),
        Text(f"3. Cơ quan chứng kiến (nếu có): {LEADER}"), Text(PEOPLE),
        Text("B. NỘI DUNG BÀN GIAO, TIẾP NHẬN", Style.STRONG),
        Text("1. Danh mục tài sản bàn giao, tiếp nhận:"), Table(columns, rows), *_photos(content.lines),
        *([Text(f"Người vận chuyển: {content.carrier}")] if content.carrier else []),
        Text("2. Hồ sơ, tài liệu bàn giao, tiếp nhận:"), Text(LINE),
        Text("3. Trách nhiệm của các bên:"), Text(f"a) Bên giao: {LEADER}"), Text(f"b) Bên nhận: {LEADER}"),
        Text("4. Ý kiến của các bên:"), *_opinions(content), *_absent(content), Text(LINE), *_said(form.closing),
    ]  # fmt: skip
    signed = _signed(form)
    return [Part(
        "BIÊN BẢN BÀN GIAO, TIẾP NHẬN TÀI SẢN CÔNG", blocks, _head(content, form, site=content.giver, day=content.day),
        subtitle=[content.number] if content.number else (), signatures=signed[:2], below=signed[2:],
        recipients=lines_of(form.recipients),
    )]  # fmt: skip


def _photos(lines: Sequence[Handed]) -> list[Text]:
    """Of which lines there are photos, and from which side."""
    runs: list[tuple[int, int, Sequence[str]]] = []
    for at, line in enumerate(lines, 1):
        if runs and runs[-1][1] == at - 1 and runs[-1][2] == line.photos:
            runs[-1] = (runs[-1][0], at, line.photos)
        elif line.photos:
            runs.append((at, at, line.photos))
    said = "; ".join(
        f"số {first}{f' đến số {last}' if last > first else ''} ({', '.join(sides)})" for first, last, sides in runs
    )
    return [Text(f"Ảnh hiện trạng lưu kèm phiếu điều chuyển trên hệ thống: tài sản {said}.")] if said else []


def _person(said: Confirmed | None) -> str:
    return f"Ông (Bà): {said.name}; Chức vụ: {dotted(said.post, 14)}" if said else PEOPLE


def _opinions(content: HandOver) -> list[Text]:
    """What the sides confirmed from afar, which nobody has signed for yet."""
    return [
        Text(
            f"{side} ({said.name}) xác nhận qua hệ thống lúc {said.at}, không đăng nhập"
            + (f": {said.note}" if said.note else ".")
        )
        for side, said in (("Bên giao", content.given), ("Bên nhận", content.received))
        if said
    ]


def _absent(content: HandOver) -> list[Text]:
    """What was sent and did not come, each with the word of whoever should have got it."""
    said = "; ".join(_named(line) + (f": {line.note}" if line.note else "") for line in content.missing)
    return [Text(f"Bên nhận không nhận được {len(content.missing)} tài sản: {said.rstrip('.')}.")] if said else []


def _named(line: Handed) -> str:
    serial = f", số sê-ri {line.serial}" if line.serial else ""
    return f"{line.name} (mã {line.tag}{serial})"


def _worth(lines: Sequence[Handed | Disposable]) -> tuple[str, str]:
    return money(total(line.cost for line in lines)), money(total(line.remaining for line in lines))


def _disposal_list(content: DisposalList, form: Form) -> list[Part]:
    columns = [
        ORDER, Column("Tên tài sản (chi tiết theo từng tài sản)"), Column("Loại tài sản", 28),
        Column("Đơn vị tính", 14, Align.CENTRE), Column("Số lượng", 13, Align.RIGHT),
        Column("Năm đưa vào sử dụng", 16, Align.CENTRE),
        Column("Nguyên giá (đồng)", 25, Align.RIGHT), Column("Giá trị còn lại (đồng)", 25, Align.RIGHT),
        Column("Hình thức xử lý", 20), Column("Lý do đề nghị xử lý", 46), Column("Ghi chú", 24),
    ]  # fmt: skip
    rows = [Row([f"({number})" for number in range(1, len(columns) + 1)], centred=True)]
    rows += [
        Row([str(at), f"{line.name} (mã {line.tag})", line.category, form.unit_of_measure, "1", str(line.year or ""),
             money(line.cost), money(line.remaining), line.treatment, line.reason, line.note])
        for at, line in enumerate(content.lines, 1)
    ]  # fmt: skip
    cost, remaining = _worth(content.lines)
    sums = ["", "", whole(len(content.lines)), "", cost, remaining, "", "", ""]
    rows.append(Row(["Tổng cộng", *sums], strong=True, span=2))
    letter: list[Text | Table] = [_to(form), *_basis(form), *_said(form.opening), Text(
        f"Tổng số: {len(content.lines)} tài sản; nguyên giá: {dotted(cost, 8)} đồng; giá trị còn lại: "
        f"{dotted(remaining, 8)} đồng (tính đến hết {long_day(content.as_of)})."
    ), *_said(form.closing)]  # fmt: skip
    signed = _signed(form)
    head = _head(content, form, site=content.site, about="V/v đề nghị xử lý tài sản")
    return [
        Part("", letter, head, signatures=signed, recipients=lines_of(form.recipients)),
        Part(
            "DANH MỤC TÀI SẢN CÔNG ĐỀ NGHỊ XỬ LÝ", [Table(columns, rows, size=8.5)], landscape=True, signatures=signed,
            subtitle=[f"(Kèm theo Văn bản số {DOTS * 4} {long_day(None)} của {content.site or HALF})"],
        ),
    ]  # fmt: skip


def _needs(content: Needs, form: Form) -> list[Part]:
    columns = [
        ORDER, Column("Tên tài sản, đơn vị có nhu cầu"), Column("Đơn vị tính", 15, Align.CENTRE),
        Column("Số lượng", 15, Align.RIGHT),
        Column("Dự toán (đồng)", 25, Align.RIGHT), Column("Nguồn vốn", 24), Column("Phương thức thanh toán", 24),
        Column("Thời gian, địa điểm giao", 44), Column("Đề xuất khác", 22), Column("Ghi chú", 30),
    ]  # fmt: skip
    rows: list[Row] = []
    for at, (name, found) in enumerate(groupby(content.lines, lambda line: line.name), 1):
        lines = list(found)
        quantity = whole(sum(line.quantity for line in lines))
        rows.append(Row([str(at), name, form.unit_of_measure, quantity, _estimate(lines), *[""] * 5], strong=True))
        rows += [
            Row([f"{at}.{under}", line.unit, form.unit_of_measure, whole(line.quantity), money(line.estimate), "", "", line.place,
                 "", f"Đề nghị số {', '.join(map(str, line.requests))}" if line.requests else ""])
            for under, line in enumerate(lines, 1)
        ]  # fmt: skip
    everything = whole(sum(line.quantity for line in content.lines))
    rows.append(Row(["Tổng cộng", "", everything, _estimate(content.lines), *[""] * 5], strong=True, span=2))
    table = Table(columns, rows, size=8.5)
    blocks: list[Text | Table] = [*_basis(form), *_said(form.opening), table, *_said(form.closing)]
    return [Part(
        "BẢNG TỔNG HỢP NHU CẦU MUA SẮM TẬP TRUNG", blocks, _head(content, form, site=content.site), landscape=True,
        subtitle=[f"(Số liệu tính đến {long_day(content.as_of)})"], signatures=_signed(form),
        recipients=lines_of(form.recipients),
    )]  # fmt: skip


def _estimate(lines: Sequence[Need]) -> str:
    """The sum; nothing when one of them is not known."""
    known = [line.estimate for line in lines if line.estimate is not None]
    return money(sum(known)) if len(known) == len(lines) else ""


def _stocktake(content: Stocktake, form: Form) -> list[Part]:
    differences = [_less(line.count, line.book) for line in content.lines]
    rows = [
        Row([str(at), line.tag, line.name, line.room, str(line.year or ""), *_figures(line.book), *_figures(line.count),
             *_figures(difference), line.remark])
        for at, (line, difference) in enumerate(zip(content.lines, differences, strict=True), 1)
    ]  # fmt: skip
    kinds = {
        "Theo sổ": [line.book for line in content.lines],
        "Theo kiểm kê": [line.count for line in content.lines],
        "Chênh lệch": differences,
    }
    sums = {under: _figures(_sum(some)) for under, some in kinds.items()}
    rows.append(Row(["Tổng cộng", *(cell for some in sums.values() for cell in some), ""], strong=True, span=5))
    three = [
        Column(head, _wide(cell, 19 if at else 6), Align.RIGHT if at else Align.CENTRE, under)
        for under, some in sums.items()
        for at, (head, cell) in enumerate(zip(("SL", "Nguyên giá", "Giá trị còn lại"), some, strict=True))
    ]
    columns = [
        Column("STT", 8, Align.CENTRE), Column("Mã tài sản", 26), Column("Tên tài sản"), Column("Nơi sử dụng", 16),
        Column("Năm sử dụng", 10, Align.CENTRE), *three, Column("Ghi chú"),
    ]  # fmt: skip
    members = [Text(f"- {name}") for name in content.members] or [Text(f"- {PEOPLE}")] * 3
    blocks: list[Text | Table] = [
        Text(f"Thời điểm kiểm kê: {content.as_of}. Địa điểm: {content.site}."), *_basis(form),
        Text("Thành phần kiểm kê:"), *members, *_said(form.opening), Table(columns, rows, size=8),
        *map(Text, content.summary), *_said(form.closing),
    ]  # fmt: skip
    titled = f"Đợt kiểm kê số {content.number}" + (f" – {content.title}" if content.title else "")
    head = _head(content, form, site=content.site, day=content.day)
    if content.form_number:
        head = Head(head.issuer, head.number, head.day, lines_of(content.form_number))
    return [Part(
        "BIÊN BẢN KIỂM KÊ TÀI SẢN", blocks, head, landscape=True, signatures=_signed(form, content.by),
        subtitle=[titled, *([f"({content.draft})"] if content.draft else [])], recipients=lines_of(form.recipients),
    )]  # fmt: skip


def _wide(total: str, least: float) -> float:
    """How many mm a column of figures takes whose sum, in bold, is its widest cell."""
    return min(WIDEST, max(least, 2.4 + sum(1.0 if char == "." else 1.9 for char in total)))


def _figures(value: Figures) -> list[str]:
    return [money(value.quantity), money(value.cost, "–"), money(value.remaining, "–")]


def _less(one: Figures, other: Figures) -> Figures:
    def less(mine: int | None, theirs: int | None) -> int | None:
        return None if mine is None or theirs is None else mine - theirs

    return Figures(one.quantity - other.quantity, less(one.cost, other.cost), less(one.remaining, other.remaining))


def _sum(some: Sequence[Figures]) -> Figures:
    """The sum of what is known; of nothing it is none."""
    if not some:
        return Figures(0, 0, 0)
    return Figures(
        sum(one.quantity for one in some), total(one.cost for one in some), total(one.remaining for one in some)
    )


def _inspection(content: Inspection, form: Form) -> list[Part]:
    facts = [
        ("Tên thiết bị", content.name), ("Mã tài sản", content.tag), ("Loại thiết bị", content.category),
        ("Số sê-ri", content.serial), ("Nơi sử dụng", ", ".join(filter(None, (content.room, content.site)))),
        ("Người quản lý, sử dụng", content.custodian), ("Đưa vào sử dụng", short_day(content.put_into_use)),
        ("Bảo hành đến", short_day(content.warranty_until)), ("Nguyên giá (đồng)", money(content.cost)),
        ("Giá trị còn lại (đồng)", money(content.remaining)), ("Hiện trạng theo sổ", content.physical_state),
        ("Giám sát tự động", content.measured or "Chưa có số liệu"),
    ]  # fmt: skip
    known = Table(
        [Column("Thông tin", 46), Column("Nội dung")], [Row([name, dotted(text, 20)]) for name, text in facts], size=9.5
    )
    people = [Text(f"{at}. {title}: {PEOPLE}") for at, title in enumerate(lines_of(form.signatories), 1)]
    blocks: list[Text | Table] = [
        *_basis(form),
        Text(f"Thời gian: {DOTS * 2} giờ {DOTS * 2} phút, {long_day(content.day)}. Địa điểm: {content.site or HALF}."),
        Text("Thành phần tham gia:"), *people, *_said(form.opening), known,
        *_seen("1. Sự cố trong 12 tháng qua", content.faults, "Kết quả"),
        *_seen("2. Cán bộ báo", content.declarations, "Người báo"),
        *_seen("3. Sửa chữa đã ghi nhận", content.repairs, "Người ghi"),
        *_seen("4. Báo giá sửa chữa", content.quotations, "Nhà cung cấp"),
        Text("5. Kết quả kiểm tra", Style.STRONG), Text(LINE), Text(LINE), Text(LINE),
        Text("6. Kết luận, kiến nghị", Style.STRONG),
        Text("☐ Tiếp tục sử dụng      ☐ Sửa chữa      ☐ Đề nghị xử lý (thanh lý)      ☐ Khác"), Text(LINE), Text(LINE),
        *_said(form.closing),
    ]  # fmt: skip
    return [Part(
        "BIÊN BẢN KIỂM TRA TÌNH TRẠNG KỸ THUẬT", blocks, _head(content, form, site=content.site, day=content.day),
        signatures=_signed(form), recipients=lines_of(form.recipients),
    )]  # fmt: skip


def _seen(title: str, seen: Sequence[Seen], outcome: str) -> list[Text | Table]:
    if not seen:
        return [Text(title, Style.STRONG), Text("Hệ thống không ghi nhận.")]
    columns = [Column("Ngày", 24, Align.CENTRE), Column("Nội dung"), Column(outcome, 50)]
    return [Text(title, Style.STRONG), Table(columns, [Row([short_day(s.day), s.what, s.outcome]) for s in seen])]


_LAYOUTS: Mapping[Paper, Callable[[Any, Form], list[Part]]] = {
    Paper.PROPOSAL: _proposal, Paper.SUBMISSION: _submission, Paper.HAND_OVER: _hand_over,
    Paper.DISPOSAL_LIST: _disposal_list, Paper.NEEDS: _needs, Paper.STOCKTAKE: _stocktake, Paper.INSPECTION: _inspection,
}  # fmt: skip
