"""Labels of assets and the page that shows how far a printer is out: values in, PDF out."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import segno

from assets.errors import Invalid
from assets.papers import typesetting
from assets.papers.grids import Cell, Grid, cells
from assets.web.language import N_

LABELS_MAX = 1_000
QUIET = 4  # white modules around a code (ISO/IEC 18004)
MODULE_MIN = 0.25  # mm; a telephone's camera reads no finer ones off paper
EDGE = 2.0  # mm between what is printed and the label's edge: paper shifts, and the code must not lose a row
GAP = 1.0  # mm between code and text
TEXT_MIN = 10.0  # mm beside a code


@dataclass(frozen=True)
class Label:
    """What stands on one label; `address` is what its code holds."""

    tag: str
    name: str
    site: str
    address: str


@dataclass(frozen=True)
class Offset:
    """By how much everything is printed further right and down, in mm, so that it comes out where it belongs."""

    x: float = 0.0
    y: float = 0.0


NO_OFFSET = Offset()


async def sheets(labels: Sequence[Label], grid: Grid, *, start: int = 1, offset: Offset = NO_OFFSET) -> bytes:
    """The labels as a PDF, from label `start` of the first sheet on; Invalid when a code would be too fine to read."""
    return await typesetting.pdf("labels", _placed(labels, grid, start, offset))


async def picture(labels: Sequence[Label], grid: Grid, *, start: int = 1) -> bytes:
    """The first sheet as a small PNG, too coarse for a code to be read: it shows what will come out."""
    few = labels[: max(0, grid.cells - start + 1)]
    (first, *_) = await typesetting.pictures("labels", _placed(few, grid, start, NO_OFFSET), ppi=72)
    return first


@dataclass(frozen=True)
class Words:
    """What the page that shows a printer's error says, in the reader's language."""

    language: str
    title: str
    says: Sequence[str]


MARK = 50  # mm from the paper's edges to the two lines that are measured


async def calibration(grid: Grid, words: Words, offset: Offset = NO_OFFSET) -> bytes:
    """A page with rulers, two lines to be measured and the first and last label of a sheet, moved by `offset`."""
    ends = cells(grid, grid.cells)
    outlines = [
        {"x": cell.x, "y": cell.y, "width": grid.label_width, "height": grid.label_height}
        for cell in dict.fromkeys((ends[0], ends[-1]))
    ]
    return await typesetting.pdf("calibration", {
        "width": grid.page_width, "height": grid.page_height, "x": offset.x, "y": offset.y, "mark": MARK,
        "outlines": outlines, "title": words.title, "says": list(words.says), "lang": words.language,
    })  # fmt: skip


def _placed(labels: Sequence[Label], grid: Grid, start: int, offset: Offset) -> dict[str, Any]:
    if not 1 <= start <= grid.cells:
        raise Invalid(fields={"start": N_("The sheet has no label of this number.")})
    found = cells(grid, len(labels), start=start)
    drawn: list[list[dict[str, Any]]] = [[] for _ in range(found[-1].sheet + 1 if found else 1)]
    for label, cell in zip(labels, found, strict=True):
        drawn[cell.sheet].append(_drawn(label, cell, grid, offset))
    return {
        "title": labels[0].tag if len(labels) == 1 else str(len(labels)),
        "width": grid.page_width, "height": grid.page_height, "sheets": drawn,
    }  # fmt: skip


def _drawn(label: Label, cell: Cell, grid: Grid, offset: Offset) -> dict[str, Any]:
    code = min(grid.label_height - 2 * EDGE, grid.label_width - 2 * EDGE - GAP - TEXT_MIN)
    made = segno.make_qr(label.address, error="m")
    modules = made.symbol_size(border=QUIET)[0]
    if code / modules < MODULE_MIN:
        raise Invalid(fields={"preset": N_("These labels are too small for the code of this web address.")})
    return {
        "x": cell.x + EDGE + offset.x, "y": cell.y + (grid.label_height - code) / 2 + offset.y,
        "code": code, "gap": GAP, "beside": grid.label_width - 2 * EDGE - GAP - code,
        "tall": min(16.0, code / 1.6), "svg": _svg(made),
        "tag": label.tag, "name": label.name, "site": label.site,
    }  # fmt: skip


def _svg(code: segno.QRCode) -> str:
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", border=QUIET, light="#fff", xmldecl=False, svgclass=None, lineclass=None, nl=False)
    return drawn.getvalue().decode()
