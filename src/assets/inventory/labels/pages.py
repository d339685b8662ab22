"""The page that labels are chosen and printed from, and the short address that their codes hold."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound, Stale
from assets.inventory.api import ASSETS
from assets.inventory.labels import service
from assets.inventory.labels.api import GRIDS, PRINTERS, GridOut, PrinterOut, grid_out, paper, printer_out
from assets.inventory.labels.service import DEFAULT_PRESET, Wish
from assets.papers import labels
from assets.papers.grids import CELLS_MAX, LENGTHS, PRESETS, Grid
from assets.papers.labels import LABELS_MAX, Offset
from assets.settings import Settings
from assets.text import clean_code
from assets.web.forms import Named
from assets.web.language import N_, choose, translate
from assets.web.paging import LIMIT_MAX, ListQuery, fetch
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
PRINTS = requires(Action.PRINT_LABELS)
QUERY = ("site", "category", "q", "tags", "preset", "start", "printer")
PREVIEW_QUERY = ("tag", "preset", "start")
PREVIEWED = 30  # labels in the picture at most, by their tags in its address
PICTURE = "image/png"


class LabelOut(BaseModel):
    """An asset whose label can be printed, and how often it was."""

    tag: str
    name: str
    site_name: str
    printed: int


class LabelsPage(BaseModel):
    """What labels can be printed of and on; `total` counts what the choice finds, `items` are what one print takes.

    `unknown` are tags that were asked for and are not among what the choice finds.
    """

    items: list[LabelOut]
    total: int
    unknown: list[str]
    sites: list[Named]
    categories: list[Named]
    presets: list[str]
    grids: list[GridOut]
    printers: list[PrinterOut]


@get(["/labels", "/labels.json"], name="labels", guards=[PRINTS], **twin(LabelsPage, "labels", QUERY))
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Choose assets by site, kind, words or tags, and what to print their labels on."""
    return await _page(request, actor, {name: str(request.query_params.get(name) or "") for name in QUERY}, {})


@post("/labels", guards=[PRINTS], include_in_schema=False, status_code=200)
async def print_chosen(
    request: AnyRequest, actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """The PDF of what is ticked, counted; or the page again with what is wrong."""
    fields = await request.form()
    given = {name: str(fields.get(name) or "") for name in QUERY}
    tags = [str(tag) for tag in fields.getall("tag", [])]
    try:
        start = _number(given["start"])
        wish = Wish(tags, given["preset"] or DEFAULT_PRESET, start, given["printer"])
        made = await service.print_labels(actor, wish, url=settings.url, now=clock.now())
    except (Invalid, Conflict, NotFound) as error:
        return await _page(request, actor, given, _errors(request, error, "tags"), status=error.status)
    return paper(made, f"labels-{len(tags)}")


def _number(text: str, name: str = "start") -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Invalid(fields={name: N_("Please write a whole number.")})
    return int(text)


async def _page(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        items, total = await _chosen(tx, actor, given)
        view = LabelsPage(
            items=items, total=total, unknown=_unknown(given["tags"], items), **await _choices(tx), presets=list(PRESETS),
            grids=(await fetch(tx, GRIDS, ListQuery(limit=LIMIT_MAX), grid_out)).items,
            printers=(await fetch(tx, PRINTERS, ListQuery(limit=LIMIT_MAX), printer_out)).items,
        )  # fmt: skip
    return show(
        request, "labels/labels.html", view, status=status, given=given, errors=errors, sizes=PRESETS, previewed=PREVIEWED,
        labels_max=LABELS_MAX, cells_max=CELLS_MAX, lengths=LENGTHS, province=actor.scope.everything,
        home=actor.home_site is not None, asked=any(given[name] for name in QUERY[:4]),
    )  # fmt: skip


async def _chosen(tx: Connection, actor: Actor, given: Mapping[str, str]) -> tuple[list[LabelOut], int]:
    """What the choice finds, in the order of the tags; nothing when nothing was chosen."""
    kept = {name: given[name] for name in ("site", "category", "q") if given[name]}
    tags = tags_of(given["tags"])
    if not kept and not tags:
        return [], 0
    asked = ListQuery.of({**kept, "limit": str(LABELS_MAX)}, ASSETS)
    where: list[tuple[str, Sequence[object]]] = [("a.stage <> 'disposed'", [])]
    if tags:
        where.append(("a.tag = any({})", [tags]))
    found = await fetch(tx, ASSETS, asked, _label, scope=actor.scope, where=where)
    rows = await tx.fetch(
        "select a.tag, count(*) as printed from asset_events e join assets a on a.id = e.asset "
        "where a.tag = any($1) and e.kind = 'label_printed' group by a.tag", [item.tag for item in found.items],
    )  # fmt: skip
    for item in found.items:
        item.printed = next((row["printed"] for row in rows if row["tag"] == item.tag), 0)
    return found.items, found.total


def _unknown(text: str, items: Sequence[LabelOut]) -> list[str]:
    there = {item.tag for item in items}
    return [tag for tag in dict.fromkeys(tags_of(text)) if tag not in there]


def _label(row: Mapping[str, Any]) -> LabelOut:
    name = row["name"] or f"{row['manufacturer']} {row['model_name']}"
    return LabelOut(tag=row["tag"], name=name, site_name=row["site_name"], printed=0)


def tags_of(text: str) -> list[str]:
    """The tags that somebody typed or pasted, with spaces, commas, semicolons or line breaks between them."""
    parts = text.replace(",", " ").replace(";", " ").split()[:LABELS_MAX]
    return [tag for part in parts if (tag := clean_code(part))]


async def _choices(tx: Connection) -> dict[str, Any]:
    # Row-level security shows the caller's sites.
    return {
        "sites": [Named(**row) for row in await tx.fetch("select code, name from sites order by sort, code")],
        "categories": [
            Named(**row)
            for row in await tx.fetch("select code, name, name_en from asset_categories order by sort, code")
        ],
    }


@get("/labels/preview.png", guards=[PRINTS], include_in_schema=False, media_type=PICTURE, opt={"query": PREVIEW_QUERY})
async def preview(
    request: AnyRequest, actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """A picture of the first sheet; nothing is counted, and no camera can read it."""
    actor = actor.require(Action.PRINT_LABELS)
    tags = [str(tag) for tag in request.query_params.getall("tag", [])][:PREVIEWED]
    preset = str(request.query_params.get("preset") or DEFAULT_PRESET)
    async with transaction(actor.scope) as tx:
        grid, rows = await service.grid_of(tx, preset), await service.assets(tx, tags)
    start = _number(str(request.query_params.get("start") or ""))
    return Response(await labels.picture(service.labelled(rows, settings.url), grid, start=start), media_type=PICTURE)


@post("/labels/printers", guards=[PRINTS], include_in_schema=False)
async def save_printer(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Save how far a printer is out: a new one, or with `printer` and `version` one that is there."""
    try:
        offset = Offset(_length(data, "offset_x"), _length(data, "offset_y"))
        if data.get("printer"):
            changes = {"offset_x": offset.x, "offset_y": offset.y}
            version = data.get("version", "")
            if not (version.isascii() and version.isdigit()):
                raise Stale()
            await service.edit_printer(actor, _id(data["printer"]), changes, version=int(version[:9]))
        else:
            await service.add_printer(actor, data.get("name", ""), offset)
    except (Invalid, Conflict) as error:
        return await _page(
            request, actor, _nothing(data), _errors(request, error, "printer_name", "name"), error.status
        )
    return Redirect("/labels", status_code=303)


@post("/labels/grids", guards=[PRINTS], include_in_schema=False)
async def save_grid(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Save a sheet of one's own."""
    try:
        measures: dict[str, Any] = {name: _length(data, name) for name in LENGTHS}
        measures |= {name: _number(data.get(name, ""), name) for name in ("across", "down")}
        await service.add_grid(actor, data.get("name", ""), Grid(**measures))
    except (Invalid, Conflict) as error:
        return await _page(request, actor, _nothing(data), _errors(request, error, "grid_name", "name"), error.status)
    return Redirect("/labels", status_code=303)


def _nothing(data: Mapping[str, str]) -> dict[str, str]:
    return {**data, **dict.fromkeys(QUERY, "")}


def _length(data: Mapping[str, str], name: str) -> float:
    text = data.get(name, "").strip().replace(",", ".") or "0"
    if len(text) > 8 or not text.isascii() or not text.removeprefix("-").replace(".", "", 1).isdigit():
        raise Invalid(fields={name: N_("Please write a number.")})
    return float(text)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


def _errors(request: AnyRequest, error: AssetsError, otherwise: str, renamed: str = "") -> dict[str, str]:
    chosen = choose(request)
    fields = dict(error.fields) if isinstance(error, Invalid) else {}
    found = {otherwise if name == renamed else name: translate(chosen, said) for name, said in fields.items()}
    return found or {otherwise: translate(chosen, error.detail, **error.facts)}


@get("/t/{tag:str}", guards=[requires(Action.VIEW)], include_in_schema=False)
async def short(tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Where the code on a label leads, after signing in where needed: whoever looks after the asset comes to it.

    Who is there to say what is wrong comes at once to where that is said; the asset is one tap away.
    """
    async with transaction(actor.scope) as tx:
        found = await tx.fetchrow("select tag, site from assets where tag = $1", clean_code(tag))
    if found is None:
        raise NotFound()
    looks_after = actor.may(Action.EDIT_INVENTORY, found["site"]) or actor.may(Action.HANDLE_INCIDENT, found["site"])
    says = actor.may(Action.DECLARE, found["site"]) and not looks_after
    return Redirect(f"/assets/{quote(found['tag'], safe='')}{'/report' if says else ''}", status_code=303)


routes: Sequence[ControllerRouterHandler] = (form, print_chosen, preview, save_printer, save_grid, short)
