"""Labels over HTTP: the PDF, the sheets that it can be printed on, printers and how far they are out."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory.labels import service
from assets.inventory.labels.service import DEFAULT_PRESET, GRID, Wish
from assets.papers import labels
from assets.papers.grids import CELLS_MAX, OFFSET_MAX, PAPER_MAX, PRESETS, Grid
from assets.papers.labels import LABELS_MAX, MARK, Offset, Words
from assets.settings import Settings
from assets.web.language import N_, choose, translate
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
PDF = "application/pdf"
PACKED = {"file": PDF, "packed": True}
BY_ADDRESS_MAX = 100  # tags in a query; more are sent as a body
Length = Annotated[float, Field(ge=0, le=PAPER_MAX, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=CELLS_MAX)]
Out = Annotated[float, Field(ge=-OFFSET_MAX, le=OFFSET_MAX, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=service.NAME_MAX)]
Preset = Annotated[str, QueryParameter(max_length=40, description="The code of a preset or the id of a saved grid")]
Printer = Annotated[str, QueryParameter(max_length=40, description="The id of a saved printer; its offset is applied")]


class Measures(BaseModel):
    """A sheet of equal labels; lengths in mm. A pitch is from one label's edge to the same edge of the next."""

    page_width: Length
    page_height: Length
    margin_left: Length
    margin_top: Length
    label_width: Length
    label_height: Length
    pitch_x: Length
    pitch_y: Length
    across: Count
    down: Count


class PresetOut(Measures):
    """A sheet that the service knows."""

    code: str


class GridOut(Measures):
    """A saved sheet; without a site it is the province's."""

    id: UUID
    name: str
    site: str | None
    version: int


class GridIn(Measures):
    """A sheet to save, for a site (the caller's own when it is left out)."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    site: Annotated[str, Field(max_length=20)] = ""


class GridChange(BaseModel):
    """What to change of a saved sheet; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    page_width: Length | None = None
    page_height: Length | None = None
    margin_left: Length | None = None
    margin_top: Length | None = None
    label_width: Length | None = None
    label_height: Length | None = None
    pitch_x: Length | None = None
    pitch_y: Length | None = None
    across: Count | None = None
    down: Count | None = None


class PrinterOut(BaseModel):
    """A printer and by how many mm its prints are moved right and down; without a site it is the province's."""

    id: UUID
    name: str
    site: str | None
    offset_x: float
    offset_y: float
    version: int


class PrinterIn(BaseModel):
    """A printer to save."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    offset_x: Out = 0
    offset_y: Out = 0
    site: Annotated[str, Field(max_length=20)] = ""


class PrinterChange(BaseModel):
    """What to change of a printer; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    offset_x: Out | None = None
    offset_y: Out | None = None


class LabelsIn(BaseModel):
    """Labels to print, in this order."""

    model_config = ConfigDict(extra="forbid")
    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]], Field(min_length=1, max_length=LABELS_MAX)
    ]
    preset: Annotated[str, Field(max_length=40)] = DEFAULT_PRESET
    start: Count = 1
    printer: Annotated[str, Field(max_length=40)] = ""


def _listing(table: str, columns: Sequence[str]) -> Listing:
    return Listing(
        select=f"t.id, t.name, s.code as site, {', '.join(f't.{name}' for name in columns)}, t.version",
        source=f"{table} t left join sites s on s.id = t.site",
        key="t.id",
        columns={"name": Column("t.name"), "site": Column("s.code")},
        sort="name",
        search=(folded("t.name"),),
    )


# No scope filter: row-level security shows what is the caller's, and what is the province's, which is for all.
GRIDS = _listing("label_grids", GRID)
PRINTERS = _listing("label_printers", service.OFFSETS)


grid_out = from_row(GridOut)


printer_out = from_row(PrinterOut)


@get("/api/v1/labels.pdf", operation_id="getLabels", tags=["labels"], guards=[requires(Action.PRINT_LABELS)],
     media_type=PDF, opt=PACKED)  # fmt: skip
async def labels_pdf(
    actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
    tag: Annotated[
        list[str], QueryParameter(min_items=1, max_items=BY_ADDRESS_MAX, description="Tags of assets, in order")
    ],
    preset: Preset = DEFAULT_PRESET,
    start: Annotated[
        int, QueryParameter(ge=1, le=CELLS_MAX, description="The first label of the sheet to print on")
    ] = 1,
    printer: Printer = "",
) -> Response[bytes]:
    """Labels of a few assets as a PDF in millimetres; each is counted as printed."""
    return await _printed(actor, settings, Wish(tag, preset, start, printer))


@post("/api/v1/labels.pdf", operation_id="printLabels", tags=["labels"], guards=[requires(Action.PRINT_LABELS)],
      status_code=200, media_type=PDF, opt=PACKED)  # fmt: skip
async def print_labels(
    data: JSONBody[LabelsIn], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """Up to 1,000 labels as a PDF in millimetres; each is counted as printed."""
    return await _printed(actor, settings, Wish(data.tags, data.preset, data.start, data.printer))


async def _printed(actor: Actor, settings: Settings, wish: Wish) -> Response[bytes]:
    made = await service.print_labels(actor, wish, url=settings.url, now=clock.now())
    return paper(made, f"labels-{len(wish.tags)}")


def paper(made: bytes, name: str) -> Response[bytes]:
    """A PDF as an answer, shown by the browser."""
    return Response(made, media_type=PDF, headers={"Content-Disposition": f'inline; filename="{name}.pdf"'})


@get("/api/v1/label-calibration.pdf", operation_id="getLabelCalibration", tags=["labels"],
     guards=[requires(Action.PRINT_LABELS)], media_type=PDF, opt=PACKED)  # fmt: skip
async def calibration(
    request: AnyRequest, actor: NamedDependency[Actor], preset: Preset = DEFAULT_PRESET, printer: Printer = ""
) -> Response[bytes]:
    """A page with rulers, to print and measure how far a printer is out; the offset that is saved is applied."""
    async with transaction(actor.scope) as tx:
        grid, offset = await service.grid_of(tx, preset), await service.offset_of(tx, printer)
    chosen = choose(request)
    says = [translate(chosen, said, mark=MARK, x=offset.x, y=offset.y) for said in CALIBRATION]
    words = Words(chosen, translate(chosen, N_("How far is this printer out?")), says)
    return paper(await labels.calibration(grid, words, offset), "label-calibration")


CALIBRATION = (
    N_("Print this page at its actual size, without fitting it to the paper."),
    N_(
        "Right: measure from the left edge of the paper to the upright line. Move right by %(mark)s mm minus that figure."
    ),
    N_("Down: measure from the upper edge of the paper to the lying line. Move down by %(mark)s mm minus that figure."),
    N_("Save both figures under the printer's name. Already applied to this page: %(x)s mm right, %(y)s mm down."),
    N_("If the ruler's 100 mm are not 100 mm long, the printer scales: turn that off first."),
    N_("The dashed frames are the first and the last label: hold the page and a sheet of labels against the light."),
)


class Presets(BaseModel):
    """The sheets that the service knows."""

    items: list[PresetOut]
    total: int


@get("/api/v1/label-presets", operation_id="listLabelPresets", tags=["labels"], guards=[requires(Action.VIEW)])
async def list_presets() -> Presets:
    """Sheets of A4 and tapes in usual sizes, with all their measures."""
    found = [PresetOut(code=code, **vars(grid)) for code, grid in PRESETS.items()]
    return Presets(items=found, total=len(found))


class Grids(Controller):
    """Sheets that somebody has measured."""

    path = "/api/v1/label-grids"
    tags = ("labels",)

    @get(operation_id="listLabelGrids", guards=[requires(Action.VIEW)], **listed(GRIDS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[GridOut]:
        """Saved sheets of the caller's sites and of the province."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, GRIDS, asked, grid_out)

    @post(operation_id="addLabelGrid", guards=[requires(Action.PRINT_LABELS)])
    async def add(self, data: JSONBody[GridIn], actor: NamedDependency[Actor]) -> Response[GridOut]:
        """Save a sheet."""
        grid = Grid(**{name: getattr(data, name) for name in GRID})
        return await _grid(actor, await service.add_grid(actor, data.name, grid, site=data.site))

    @get("/{grid:uuid}", operation_id="getLabelGrid", guards=[requires(Action.VIEW)])
    async def one(self, grid: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[GridOut]:
        """One saved sheet."""
        return await _grid(actor, grid)

    @patch("/{grid:uuid}", operation_id="editLabelGrid", guards=[requires(Action.PRINT_LABELS)])
    async def edit(
        self,
        grid: FromPath[UUID],
        data: JSONBody[GridChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[GridOut]:
        """Change a saved sheet that is still as the caller read it."""
        version = version_of(if_match)
        await service.edit_grid(actor, grid, data.model_dump(exclude_none=True), version=version)
        return await _grid(actor, grid)


class Printers(Controller):
    """Printers that somebody has measured."""

    path = "/api/v1/label-printers"
    tags = ("labels",)

    @get(operation_id="listLabelPrinters", guards=[requires(Action.VIEW)], **listed(PRINTERS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[PrinterOut]:
        """Saved printers of the caller's sites and of the province."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, PRINTERS, asked, printer_out)

    @post(operation_id="addLabelPrinter", guards=[requires(Action.PRINT_LABELS)])
    async def add(self, data: JSONBody[PrinterIn], actor: NamedDependency[Actor]) -> Response[PrinterOut]:
        """Save how far a printer is out."""
        offset = Offset(data.offset_x, data.offset_y)
        return await _printer(actor, await service.add_printer(actor, data.name, offset, site=data.site))

    @get("/{printer:uuid}", operation_id="getLabelPrinter", guards=[requires(Action.VIEW)])
    async def one(self, printer: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[PrinterOut]:
        """One saved printer."""
        return await _printer(actor, printer)

    @patch("/{printer:uuid}", operation_id="editLabelPrinter", guards=[requires(Action.PRINT_LABELS)])
    async def edit(
        self,
        printer: FromPath[UUID],
        data: JSONBody[PrinterChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[PrinterOut]:
        """Change how far a printer is out."""
        version = version_of(if_match)
        await service.edit_printer(actor, printer, data.model_dump(exclude_none=True), version=version)
        return await _printer(actor, printer)


async def _grid(actor: Actor, grid: UUID) -> Response[GridOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, GRIDS, ListQuery(limit=1), grid_out, where=[("t.id = {}", [grid])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


async def _printer(actor: Actor, printer: UUID) -> Response[PrinterOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, PRINTERS, ListQuery(limit=1), printer_out, where=[("t.id = {}", [printer])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [labels_pdf, print_labels, calibration, list_presets, Grids, Printers]
