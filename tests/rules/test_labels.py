"""Labels: where they stand in millimetres, what a camera reads, what no sheet can be."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.errors import Invalid
from assets.papers import labels
from assets.papers.grids import LABEL_MIN, PRESETS, Grid, cells, refused
from assets.papers.labels import EDGE, Label, Offset, Words
from tests.papers import Paper

A4 = PRESETS["a4-70x37"]
QUIET = 4  # modules, by the standard, not by our constant
ADDRESS = "https://assets.example.vn/t/"


def some(count: int) -> list[Label]:
    return [
        Label(f"QN-21025-{n:04}", "Máy in HP LaserJet Pro", "Trung tâm Phục vụ hành chính công Phường Cẩm Thành",
              f"{ADDRESS}QN-21025-{n:04}") for n in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
async def test_when_labels_are_printed_then_each_code_stands_in_its_cell_with_its_quiet_zone(preset: str) -> None:
    grid, wanted = PRESETS[preset], some(min(PRESETS[preset].cells, 12) + 1)
    paper = Paper(await labels.sheets(wanted, grid, start=2 if grid.cells > 1 else 1))
    assert paper.size() == pytest.approx((grid.page_width, grid.page_height), abs=0.1)
    codes = [(page, code) for page in range(len(paper)) for code in paper.codes(page)]
    places = cells(grid, len(wanted), start=2 if grid.cells > 1 else 1)
    assert [code.text for _, code in codes] == [label.address for label in wanted]
    for (page, code), cell in zip(codes, places, strict=True):
        assert page == cell.sheet
        quiet = QUIET * (code.right - code.left) / 29  # version 3: 29 modules across
        assert code.left - quiet >= cell.x + EDGE - 0.15, "the quiet zone ends inside the label, not at its edge"
        assert code.top - quiet >= cell.y + EDGE - 0.15
        assert code.bottom + quiet <= cell.y + grid.label_height - EDGE + 0.15
        assert code.right + quiet <= cell.x + grid.label_width - EDGE - 10


async def test_when_a_sheet_is_half_used_then_printing_begins_at_the_label_that_is_named() -> None:
    paper = Paper(await labels.sheets(some(3), A4, start=23))
    assert len(paper) == 2
    assert [code.text[-1] for code in paper.codes(0)] == ["1", "2"]
    assert [code.text[-1] for code in paper.codes(1)] == ["3"]
    with pytest.raises(Invalid) as caught:
        await labels.sheets(some(1), A4, start=25)
    assert list(caught.value.fields) == ["start"]


async def test_when_a_printer_is_out_then_everything_moves_by_its_offset() -> None:
    (plain,) = Paper(await labels.sheets(some(1), A4)).codes()
    (moved,) = Paper(await labels.sheets(some(1), A4, offset=Offset(1.5, -0.4))).codes()
    assert moved.left - plain.left == pytest.approx(1.5, abs=0.1)
    assert moved.top - plain.top == pytest.approx(-0.4, abs=0.1)


async def test_when_names_are_long_or_hostile_then_the_tag_is_still_whole_and_nothing_is_typst() -> None:
    odd = '#panic("x") *đậm* $x$ \\ `raw` <a> @b = ' + "rất dài " * 30
    paper = Paper(await labels.sheets([Label("QN-" + "9" * 36, odd, odd, ADDRESS + "Q")], PRESETS["a4-48x25"]))
    assert "QN-" + "9" * 36 in paper.text().replace(" ", "")
    assert '#panic("x") *đậm* $x$' in paper.text()
    assert len(paper) == 1


async def test_when_an_address_is_too_long_for_a_small_label_then_it_is_refused_rather_than_unreadable() -> None:
    small = replace(A4, label_width=LABEL_MIN[0], label_height=LABEL_MIN[1])
    with pytest.raises(Invalid) as caught:
        await labels.sheets([Label("T", "n", "s", ADDRESS + "x" * 120)], small)
    assert list(caught.value.fields) == ["preset"]


async def test_the_page_with_rulers_has_its_words_and_moves_by_the_offset_too() -> None:
    words = Words("vi", "Máy in lệch bao nhiêu?", ["Đo từ mép trái của giấy đến vạch đứng."])
    paper = Paper(await labels.calibration(A4, words, Offset(2, 3)))
    assert paper.size() == (210.0, 297.0)
    assert "Máy in lệch bao nhiêu?" in paper.text()
    assert "Đo từ mép trái" in paper.text()
    marks = [o.get_bounds() for o in paper.document[0].get_objects()]
    uprights = [(left * 25.4 / 72, top - bottom) for left, bottom, right, top in marks if right - left < 2]
    assert max(uprights, key=lambda mark: mark[1])[0] == pytest.approx(52, abs=0.3), "the line at 50 mm, moved by 2"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_presets_are_grids_that_fit_their_paper(preset: str) -> None:
    assert refused(PRESETS[preset]) == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"across": 4}, "across"), ({"down": 9}, "down"), ({"label_width": 20.0}, "label_width"),
        ({"label_height": 10.0}, "label_height"), ({"pitch_x": 60.0}, "pitch_x"), ({"margin_left": -1.0}, "margin_left"),
        ({"page_width": 900.0}, "page_width"), ({"across": 0}, "across"), ({"margin_top": 20.0}, "down"),
    ],
)  # fmt: skip
def test_when_a_grid_cannot_be_then_the_measure_is_named(change: dict[str, float], field: str) -> None:
    assert list(refused(replace(A4, **change))) == [field]


@st.composite
def measured(draw: st.DrawFn) -> Grid:
    """Grids of which about half can be printed."""

    def mm(least: float, most: float) -> float:
        return round(draw(st.floats(least, most)), 2)

    wide, high, left, top = mm(25, 110), mm(14, 60), mm(0, 20), mm(0, 20)
    across, down = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    pitch_x, pitch_y = wide + mm(-0.5, 4), high + mm(-0.5, 4)
    page = (left + pitch_x * across + mm(-4, 4), top + pitch_y * down + mm(-4, 4))
    return Grid(*page, left, top, wide, high, pitch_x, pitch_y, across, down)


@given(measured(), st.integers(1, 60), st.integers(1, 40))
@settings(max_examples=200)
def test_labels_of_a_grid_that_is_accepted_never_overlap_and_never_leave_the_page(
    grid: Grid, count: int, start: int
) -> None:
    if refused(grid):
        return
    found = cells(grid, count, start=start)
    assert len(set(found)) == count
    for cell in found:
        assert 0 <= cell.x <= grid.page_width - grid.label_width + 0.06
        assert 0 <= cell.y <= grid.page_height - grid.label_height + 0.06
    for one, two in pairwise(found):
        apart = abs(one.x - two.x) >= grid.label_width - 0.001 or abs(one.y - two.y) >= grid.label_height - 0.001
        assert one.sheet != two.sheet or apart
