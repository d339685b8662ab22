"""Imports and edits of many over HTTP: plan, look, apply, undo."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import Invalid, NotFound
from assets.inventory import api, things_api
from assets.inventory.batches import service
from assets.inventory.batches.planning import Emptiness, Options, Outcome, Wanted
from assets.inventory.batches.reading import CONTENT_MAX
from assets.inventory.kinds import KINDS
from assets.inventory.service import own_cells
from assets.phrases import Phrase
from assets.web.bodies import BODY_MAX, TAKES
from assets.web.language import N_
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed

STATES = ("planned", "applied", "undone")
ROWS_AT_ONCE = 10_000
FILES = frozenset({
    "text/csv", "text/plain", "application/octet-stream", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
})  # fmt: skip
Resource = Literal["assets", "asset-models", "links", "applications", "capabilities"]


class BatchOut(BaseModel):
    """Many changes as one. `create`, `change`, `same` and `refused` count its rows; `unknown` are headings passed over.

    `new_models` are models that are added with them: manufacturer, name and kind of equipment. `fonts` are those from
    before Unicode that the file was typed for.
    """

    number: int
    resource: str
    source: str
    title: str
    state: str
    create: int
    change: int
    same: int
    refused: int
    unknown: list[str]
    new_models: list[list[str]]
    fonts: list[str]
    made_by: str
    made_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    kept: int
    kept_keys: list[str]


class UndoIn(BaseModel):
    """How to undo: all or nothing, or what nobody has touched since."""

    model_config = ConfigDict(extra="forbid")
    untouched_only: bool = False


class FaultOut(BaseModel):
    """What is wrong with a field of a row: `reason` in English, which `text` and `params` say in any language."""

    column: str
    reason: str
    text: str
    params: dict[str, str | int | float]


class BatchRowOut(BaseModel):
    """A row of a batch: where it stands, what becomes of it, which fields change (before, after), why it is refused."""

    position: int
    sheet: str
    row: int
    action: str
    key: str
    changes: dict[str, list[Any]]
    faults: list[FaultOut]


class BulkEditIn(BaseModel):
    """Changes of many things: `rows` with their fields and versions, or `changes` for all that `filter` chooses.

    A row is named by what identifies it (tag, code, or `id`). With `apply` it is done at once, or not at all. With
    `add_models`, models that the catalogue lacks are added with the assets that name them.
    """

    model_config = ConfigDict(extra="forbid")
    resource: Resource
    rows: Annotated[list[dict[str, Any]], Field(max_length=ROWS_AT_ONCE)] = []
    filter: Annotated[dict[Annotated[str, Field(max_length=60)], str | list[str]], Field(max_length=30)] = {}
    changes: Annotated[dict[Annotated[str, Field(max_length=60)], Any], Field(max_length=60)] = {}
    title: Annotated[str, Field(max_length=255)] = ""
    apply: bool = False
    add_models: bool = False


BATCHES = Listing(
    select="b.*", source="batches b", key="b.id",
    columns={
        "number": Column("b.number", "integer"), "resource": Column("b.resource", choices=tuple(KINDS)),
        "state": Column("b.state", choices=STATES), "source": Column("b.source", choices=("file", "edit")),
        "made_at": Column("b.made_at", "timestamptz"),
    },
    sort="-number", search=(folded("b.title"), folded("b.made_by_name")),
)  # fmt: skip
ROWS = Listing(
    select="r.*", source="batch_rows r", key="r.id",
    columns={
        "position": Column("r.position", "integer"), "action": Column("r.action", choices=tuple(Outcome)),
        "key": Column("r.key"), "row": Column("r.row", "integer"), "sheet": Column("r.sheet"),
    },
    sort="position", search=(folded("r.key"),),
)  # fmt: skip
# The lists that a filter of a bulk edit can choose from, and what names a row of them.
CHOSEN_FROM: Mapping[str, tuple[Listing, str]] = {
    "assets": (api.ASSETS, "tag"), "asset-models": (things_api.MODELS, "id"), "links": (things_api.LINKS, "tag"),
    "applications": (things_api.APPLICATIONS, "code"), "capabilities": (things_api.CAPABILITIES, "id"),
}  # fmt: skip


def batch_out(row: Mapping[str, Any]) -> BatchOut:
    """A row of BATCHES."""
    counts = json.loads(row["counts"])
    sheets = json.loads(row["headings"])
    unknown = [heading for sheet in sheets for heading in sheet["unknown"]]
    fonts = sorted({sheet.get("font", "") for sheet in sheets} - {""})
    same = ("number", "resource", "source", "title", "state", "made_at", "applied_at", "undone_at")
    return BatchOut(
        **{name: row[name] for name in same}, **{outcome.value: counts[outcome] for outcome in Outcome},
        unknown=unknown, new_models=counts.get("models", []), fonts=fonts, made_by=row["made_by_name"],
        kept=counts.get("kept", 0), kept_keys=counts.get("kept_keys", []),
    )  # fmt: skip


def row_out(row: Mapping[str, Any]) -> BatchRowOut:
    """A row of ROWS."""
    faults = [
        FaultOut(column=name, reason=Phrase(text, params).english(), text=text, params=params)
        for name, text, params in json.loads(row["faults"])
    ]
    same = {name: row[name] for name in ("position", "sheet", "row", "action", "key")}
    return BatchRowOut(**same, changes=json.loads(row["changes"]), faults=faults)


async def one_batch(tx: Connection, number: int, source: str = "") -> BatchOut:
    """A batch by its number; NotFound also when it is another's."""
    where: list[tuple[str, Sequence[object]]] = [("b.number = {}", [number])]
    if source:
        where.append(("b.source = {}", [source]))
    found = await fetch(tx, BATCHES, ListQuery(limit=1), batch_out, where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


async def _one(actor: Actor, number: int) -> BatchOut:
    async with transaction(actor.scope) as tx:
        return await one_batch(tx, number)


async def wanted_rows(actor: Actor, data: BulkEditIn) -> list[Wanted]:
    """The rows that a bulk edit means."""
    if bool(data.rows) == bool(data.changes):
        raise Invalid(fields={"rows": "Say either rows, or changes for what a filter chooses."})
    if data.rows:
        return [_wanted(position, row) for position, row in enumerate(data.rows, start=1)]
    listing, key = CHOSEN_FROM[data.resource]
    given = {name: value if isinstance(value, list) else [value] for name, value in data.filter.items()}
    if not given:
        raise Invalid(fields={"filter": N_("Everything at once is not meant; say what is.")})
    asked = ListQuery.of(given, await listing.widened(given), pages=False)
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, listing, ListQuery(ROWS_AT_ONCE, q=asked.q, filters=asked.filters, more=asked.more),
            lambda row: (row["id"], row["version"], row[key]), scope=actor.scope if listing.site else None,
        )  # fmt: skip
    if found.next is not None:
        raise Invalid(fields={"filter": f"It chooses {found.total}; at most {ROWS_AT_ONCE} at once."})
    cells = _cells(data.changes)
    return [
        Wanted(cells | ({} if key == "id" else {key: name}), row=position, version=version, id=thing)
        for position, (thing, version, name) in enumerate(found.items, start=1)
    ]


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in row.items() if name not in ("version", "id", "custom")}
    own = row.get("custom") or {}
    if not isinstance(own, dict):
        raise Invalid(fields={"rows.custom": "Values by the codes of fields."})
    return found | own_cells(own)


def _wanted(position: int, row: Mapping[str, Any]) -> Wanted:
    version, thing = row.get("version"), row.get("id")
    try:
        named = UUID(str(thing)) if thing is not None else None
    except ValueError:
        raise Invalid(fields={f"rows.{position - 1}.id": "This is no identifier."}) from None
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise Invalid(fields={f"rows.{position - 1}.version": "A whole number."})
    return Wanted(_cells(row), row=position, version=version, id=named)


class Imports(Controller):
    """Files of rows: a full plan first, then all of it or nothing, and undone as one."""

    path = "/api/v1/imports"
    tags = ("imports",)

    @get(operation_id="listImports", guards=[requires(Action.EDIT_INVENTORY)], **listed(BATCHES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[BatchOut]:
        """Imports and edits of many, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, BATCHES, asked, batch_out)

    @post(
        operation_id="planImport", guards=[requires(Action.EDIT_INVENTORY)], opt={TAKES: FILES},
        request_max_body_size=CONTENT_MAX,
    )  # fmt: skip
    async def plan(
        self,
        request: Request[Any, Any, Any],
        actor: NamedDependency[Actor],
        resource: FromQuery[Resource],
        filename: FromQuery[Annotated[str, Field(max_length=255)]] = "",
        empty: FromQuery[Emptiness] = Emptiness.KEEP,
        add_models: FromQuery[bool] = False,
    ) -> BatchOut:
        """Plan the import of a file into a list; nothing is changed yet.

        Headings are names of the API or words of either language; `empty` says what empty cells do to values that are
        there: keep or clear them. With `add_models`, models of assets that the catalogue lacks are added with them, each
        in the kind of equipment that its row names. The file is the body as it is, with its media type.
        """
        content = await request.body()
        options = Options(empty, add_models)
        number = await service.plan_file(actor, resource, content, filename, options=options, now=clock.now())
        return await _one(actor, number)

    @get("/{number:int}", operation_id="getImport", guards=[requires(Action.EDIT_INVENTORY)])
    async def one(self, number: FromPath[int], actor: NamedDependency[Actor]) -> BatchOut:
        """One batch by its number."""
        return await _one(actor, number)

    @get("/{number:int}/rows", operation_id="listImportRows", guards=[requires(Action.EDIT_INVENTORY)], **listed(ROWS))
    async def rows(
        self, number: FromPath[int], asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]
    ) -> Page[BatchRowOut]:
        """The rows of a batch, each with what becomes of it and why not."""
        async with transaction(actor.scope) as tx:
            await one_batch(tx, number)
            return await fetch(
                tx, ROWS, asked, row_out,
                where=[("r.batch = (select id from batches where number = {})", [number])],
            )  # fmt: skip

    @post("/{number:int}/apply", operation_id="applyImport", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def apply(self, number: FromPath[int], actor: NamedDependency[Actor]) -> BatchOut:
        """Do what was planned, all of it or nothing; 412 when the register changed meanwhile: look at the new plan."""
        await service.apply(actor, number, now=clock.now())
        return await _one(actor, number)

    @post("/{number:int}/undo", operation_id="undoImport", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def undo(
        self, number: FromPath[int], actor: NamedDependency[Actor], data: JSONBody[UndoIn | None] = None
    ) -> BatchOut:
        """Put back what was changed and take back what was added; 409 when any of it was touched since, unless that may stay."""
        untouched_only = data is not None and data.untouched_only
        await service.undo(actor, number, untouched_only=untouched_only, now=clock.now())
        return await _one(actor, number)


@post("/api/v1/bulk-edits", operation_id="bulkEdit", tags=["imports"], guards=[requires(Action.EDIT_INVENTORY)],
      request_max_body_size=8 * BODY_MAX)  # fmt: skip
async def bulk_edit(data: JSONBody[BulkEditIn], actor: NamedDependency[Actor]) -> BatchOut:
    """Plan changes of many things, and with `apply` do them: all or nothing, to be undone as one like an import."""
    rows = await wanted_rows(actor, data)
    now = clock.now()
    number = await service.plan_rows(
        actor, data.resource, rows, title=data.title, options=Options(Emptiness.CLEAR, data.add_models), now=now,
        apply_at_once=data.apply,
    )  # fmt: skip
    return await _one(actor, number)


routes: Sequence[ControllerRouterHandler] = [Imports, bulk_edit]
