"""Where labels stand on paper, in millimetres from its upper left corner. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from assets.web.language import N_

PAPER_MIN, PAPER_MAX = 10.0, 500.0
LABEL_MIN = (30.0, 16.0)  # below it a code would be too fine for a phone
CELLS_MAX = 500
OFFSET_MAX = 20.0  # that a printer can be out by


@dataclass(frozen=True)
class Grid:
    """A sheet of equal labels, or a tape: one label a page. Lengths in mm."""

    page_width: float
    page_height: float
    margin_left: float
    margin_top: float
    label_width: float
    label_height: float
    pitch_x: float
    pitch_y: float
    across: int
    down: int

    @property
    def cells(self) -> int:
        """How many labels a sheet has."""
        return self.across * self.down


@dataclass(frozen=True)
class Cell:
    """Where a label begins: sheet from 0, and its upper left corner in mm."""

    sheet: int
    x: float
    y: float


def _a4(columns: int, rows: int, width: float, height: float, *, gap_x: float = 0, gap_y: float = 0) -> Grid:
    """A sheet of A4 with its labels in the middle."""
    across, down = columns * width + (columns - 1) * gap_x, rows * height + (rows - 1) * gap_y
    return Grid(
        210, 297, round((210 - across) / 2, 2), round((297 - down) / 2, 2), width, height, width + gap_x, height + gap_y,
        columns, rows,
    )  # fmt: skip


def _tape(width: float, length: float) -> Grid:
    return Grid(length, width, 0, 0, length, width, length, width, 1, 1)


# Sizes that many makers sell, without a maker's name: a sheet that differs is measured and saved as a grid of one's own.
PRESETS: dict[str, Grid] = {
    "a4-70x37": _a4(3, 8, 70, 37),
    "a4-63x38": _a4(3, 7, 63.5, 38.1, gap_x=2.54),
    "a4-48x25": _a4(4, 10, 48.5, 25.4),
    "a4-105x57": _a4(2, 5, 105, 57),
    "tape-24": _tape(24, 70),
    "tape-36": _tape(36, 90),
}


def refused(grid: Grid) -> dict[str, str]:
    """What is wrong with a grid, by field, as source phrases; empty when labels can be printed on it."""
    wrong: dict[str, str] = {}
    for name in ("page_width", "page_height"):
        if not PAPER_MIN <= getattr(grid, name) <= PAPER_MAX:
            wrong[name] = N_("From 10 to 500 mm.")
    for name in ("margin_left", "margin_top"):
        if not 0 <= getattr(grid, name) <= PAPER_MAX:
            wrong[name] = N_("From 0 to 500 mm.")
    if not LABEL_MIN[0] <= grid.label_width <= PAPER_MAX:
        wrong["label_width"] = N_("At least 30 mm: on less, code and tag cannot be read.")
    if not LABEL_MIN[1] <= grid.label_height <= PAPER_MAX:
        wrong["label_height"] = N_("At least 16 mm: on less, the code cannot be read.")
    for name in ("across", "down"):
        if not 1 <= getattr(grid, name) <= CELLS_MAX:
            wrong[name] = N_("From 1 to 500.")
    if wrong:
        return wrong
    for number, pitch, label, margin, count, page in (
        ("across", "pitch_x", grid.label_width, grid.margin_left, grid.across, grid.page_width),
        ("down", "pitch_y", grid.label_height, grid.margin_top, grid.down, grid.page_height),
    ):
        step = getattr(grid, pitch)
        if count > 1 and not label <= step <= PAPER_MAX:
            wrong[pitch] = N_("From one label's edge to the next one's: not less than a label.")
        elif margin + (count - 1) * (step if count > 1 else 0) + label > page + 0.05:
            wrong[number] = N_("So many labels do not fit on the page.")
    if not wrong and grid.cells > CELLS_MAX:
        wrong["down"] = N_("At most 500 labels on a page.")
    return wrong


def cells(grid: Grid, count: int, *, start: int = 1) -> list[Cell]:
    """Where `count` labels stand, row by row, from label `start` (1 is the first) of the first sheet on."""
    return list(islice(_cells(grid), start - 1, start - 1 + count))


def _cells(grid: Grid) -> Iterator[Cell]:
    sheet = 0
    while True:
        for row in range(grid.down):
            for column in range(grid.across):
                yield Cell(
                    sheet,
                    round(grid.margin_left + column * grid.pitch_x, 3),
                    round(grid.margin_top + row * grid.pitch_y, 3),
                )
        sheet += 1


LENGTHS = tuple(name for name, kind in Grid.__annotations__.items() if kind is float)
