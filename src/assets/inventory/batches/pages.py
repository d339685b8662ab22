"""Pages of imports: choose a file, look at the plan, apply it, undo it."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import AssetsError, Conflict, Invalid
from assets.inventory.batches import service
from assets.inventory.batches.api import BATCHES, ROWS, BatchOut, BatchRowOut, batch_out, one_batch, row_out
from assets.inventory.batches.planning import Emptiness, Options
from assets.inventory.batches.reading import CONTENT_MAX, Unreadable
from assets.inventory.batches.spelling import Spelling
from assets.inventory.batches.world import described
from assets.inventory.kinds import KINDS
from assets.web.language import N_, choose, translate
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.templates import show, without_suffix

AnyRequest = Request[Any, Any, Any]
EDITOR = requires(Action.EDIT_INVENTORY)
MULTIPART_MAX = CONTENT_MAX + (1 << 20)


class BatchList(Page[BatchOut]):
    """Imports and edits of many, and the lists that take a file."""

    resources: list[str]


class BatchPage(BaseModel):
    """One batch with a page of its rows: those that are refused first."""

    batch: BatchOut
    rows: Page[BatchRowOut]


async def _list(request: AnyRequest, actor: Actor, asked: ListQuery, errors: dict[str, str], status: int) -> Any:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, BATCHES, asked, batch_out)
    resources = [kind.resource for kind in KINDS.values() if kind.site or actor.scope.everything]
    view = BatchList(**dict(found), resources=resources)
    names = {kind.resource: kind.name for kind in KINDS.values()}
    return show(
        request, "inventory/imports.html", view, errors=errors, status=status, names=names, megabytes=CONTENT_MAX >> 20
    )


@get(
    ["/imports", "/imports.json"], name="imports", guards=[EDITOR], include_in_schema=False,
    dependencies=listed(BATCHES)["dependencies"], opt={"twin": (BatchList, "imports"), "listing": BATCHES},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What was imported or edited in bulk, the newest first, and the form for a file."""
    found: Response[Any] = await _list(request, actor, asked, {}, 200)
    return found


@post("/imports", guards=[EDITOR], include_in_schema=False, request_max_body_size=MULTIPART_MAX)
async def plan(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Plan the import of the file that was sent."""
    form = await request.form()
    file, resource, empty = form.get("file"), str(form.get("resource") or ""), str(form.get("empty") or "keep")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid(fields={"file": N_("Please choose a file.")})
        if empty not in set(Emptiness):
            raise Invalid(fields={"empty": N_("Please choose one of the list.")})
        content = await file.read()
        number = await service.plan_file(
            actor, resource, content, file.filename, now=clock.now(),
            options=Options(Emptiness(empty), add_models=form.get("add_models") == "1"),
        )  # fmt: skip
    except Invalid as error:
        found: Response[Any] = await _list(request, actor, ListQuery(sort="-number"), _errors(request, error), 400)
        return found
    return Redirect(f"/imports/{number}", status_code=303)


def _errors(request: AnyRequest, error: AssetsError) -> dict[str, str]:
    chosen = choose(request)
    if isinstance(error, Unreadable):
        return {"file": translate(chosen, error.phrase.text, **error.phrase.params)}
    if isinstance(error, Invalid):
        return {name: translate(chosen, text) for name, text in error.fields.items()}
    return {"": translate(chosen, error.detail)}


async def _show(
    request: AnyRequest,
    actor: Actor,
    number: str,
    asked: ListQuery,
    error: str = "",
    status: int = 200,
    touched: Mapping[str, object] | None = None,
) -> Response[Any]:
    plain = without_suffix(number)
    known = int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 9 else 0
    async with transaction(actor.scope) as tx:
        batch = await one_batch(tx, known)
        rows = await fetch(
            tx, ROWS, asked, row_out, where=[("r.batch = (select id from batches where number = {})", [known])]
        )
        kinds = await tx.fetch("select code, name, name_en from asset_categories")
        spelling = Spelling(choose(request), *await described(tx, batch.resource), kinds)
    return show(
        request, "inventory/import.html", BatchPage(batch=batch, rows=rows), error=error, status=status,
        touched=touched if touched and touched.get("keys") else None,
        names={kind.resource: kind.name for kind in KINDS.values()}, kept=asked.again(),
        categories=spelling.categories, label=spelling.label, said=spelling.said, fault=spelling.fault,
        chosen=[str(value) for f in asked.filters if f.column == "action" for value in f.values],
    )  # fmt: skip


@get(
    "/imports/{number:str}", guards=[EDITOR], include_in_schema=False,
    dependencies=listed(ROWS)["dependencies"], opt={"twin": (BatchPage, "import"), "listing": ROWS},
)  # fmt: skip
async def one(
    request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What a batch would change, or has changed."""
    return await _show(request, actor, number, asked)


@post("/imports/{number:int}/apply", guards=[EDITOR], include_in_schema=False)
async def apply(request: AnyRequest, number: FromPath[int], actor: NamedDependency[Actor]) -> Response[Any]:
    """Do what was planned."""
    try:
        await service.apply(actor, number, now=clock.now())
    except Conflict as error:
        said = translate(choose(request), error.detail)
        return await _show(request, actor, str(number), ListQuery(sort="position"), said, error.status)
    return Redirect(f"/imports/{number}", status_code=303)


@post("/imports/{number:int}/undo", guards=[EDITOR], include_in_schema=False)
async def undo(request: AnyRequest, number: FromPath[int], actor: NamedDependency[Actor]) -> Response[Any]:
    """Put everything back, or what nobody has touched since."""
    untouched_only = str((await request.form()).get("untouched") or "") == "1"
    try:
        await service.undo(actor, number, untouched_only=untouched_only, now=clock.now())
    except Conflict as error:
        said = translate(choose(request), error.detail)
        return await _show(request, actor, str(number), ListQuery(sort="position"), said, error.status, error.facts)
    return Redirect(f"/imports/{number}", status_code=303)


routes: Sequence[ControllerRouterHandler] = [listing, plan, one, apply, undo]
