"""Pages of what was seen: differences to settle, one or many at a time, and questions of identity to answer."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
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
from assets.inventory.observed import proposals, service
from assets.inventory.observed.api import (
    OBSERVED,
    PROPOSALS,
    AcceptIn,
    DifferenceOut,
    ProposalOut,
    accept_proposal,
    difference_out,
    proposal_out,
    unsettled,
)
from assets.inventory.observed.service import Choice, Chosen
from assets.web.forms import parse
from assets.web.language import N_, choose, translate
from assets.web.paging import Listing, ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
MODELS_MAX, UNDOABLE_MAX = 1_000, 10


class ModelChoice(BaseModel):
    """A model that a computer can be registered as."""

    id: UUID
    name: str


class ProposalPage(Page[ProposalOut]):
    """Open questions, the last merges that can be undone, and the models to choose from."""

    merged: list[ProposalOut]
    models: list[ModelChoice]


def _asked(listing: Listing) -> dict[str, Any]:
    def provide(request: AnyRequest) -> ListQuery:
        # A form sends its empty fields too; they ask for nothing.
        given = request.query_params
        return ListQuery.of({name: v for name in given if (v := [v for v in given.getall(name) if v])}, listing)

    return {"asked": Provide(provide, sync_to_thread=False)}


@get(
    ["/differences", "/differences.json"], name="differences", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies=_asked(OBSERVED), opt={"twin": (Page[DifferenceOut], "differences"), "listing": OBSERVED},
)  # fmt: skip
async def differences(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Where what is recorded and what was seen differ, with a box before each."""
    return await _differences(request, actor, asked)


@post("/differences", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def settle(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Settle those that were ticked; the list again when that cannot be."""
    fields = await request.form()
    # One tick for all that the page shows, so that a page is settled without a script.
    picked = [str(v) for v in fields.getall("shown" if fields.get("all") else "pick", [])][: service.BULK_MAX + 1]
    given = {"reason": str(fields.get("reason", ""))[:255], "picked": picked}
    try:
        chosen = [_chosen(text) for text in picked]
        if not chosen:
            raise Invalid(fields={"pick": N_("Please tick at least one.")})
        if fields.get("choice") not in set(Choice):
            raise Invalid(fields={"choice": N_("Please choose one of the list.")})
        await service.settle(actor, Choice(fields["choice"]), chosen, why=str(given["reason"]), now=clock.now())
    except (Invalid, Conflict) as error:
        errors = _errors(request, error, "pick")
        return await _differences(request, actor, ListQuery(), given=given, errors=errors, status=error.status)
    return Redirect("/differences", status_code=303)


def _chosen(text: str) -> Chosen:
    row, _, version = text.partition(":")
    try:
        if not (version.isascii() and version.isdigit() and len(version) <= 9):
            raise ValueError(version)
        return Chosen(UUID(row), int(version))
    except ValueError:
        raise Stale() from None


async def _differences(
    request: AnyRequest, actor: Actor, asked: ListQuery, *, given: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        view = await fetch(tx, OBSERVED, asked, difference_out, scope=actor.scope, where=unsettled(asked))
    may = [row.id for row in view.items if actor.may(Action.EDIT_INVENTORY)]
    return show(
        request, "observed/differences.html", view, status=status, given=given or {}, errors=errors or {}, may_settle=may,
        query_text=asked.q, kept=asked.again(), only_kept=any(f.column == "kept" for f in asked.filters),
        narrowed=bool(asked.q or asked.filters),
    )  # fmt: skip


@get(
    ["/identity-proposals", "/identity-proposals.json"], name="identity_proposals", guards=[requires(Action.VIEW)],
    include_in_schema=False, dependencies=_asked(PROPOSALS),
    opt={"twin": (ProposalPage, "identity_proposals"), "listing": PROPOSALS},
)  # fmt: skip
async def questions(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Computers that nobody has registered, and records that may be of one thing."""
    return await _questions(request, actor, asked)


async def _questions(
    request: AnyRequest, actor: Actor, asked: ListQuery, *, at: UUID | None = None, given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    where: list[tuple[str, Sequence[object]]] = []
    if not any(f.column == "state" for f in asked.filters):
        where.append(("p.state = 'open'", ()))
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, PROPOSALS, asked, proposal_out, scope=actor.scope, where=where)
        merged = await fetch(
            tx, PROPOSALS, ListQuery(limit=UNDOABLE_MAX, sort="-decided_at"), proposal_out, scope=actor.scope,
            where=[("p.kind = 'merge' and p.state = 'accepted'", ())],
        )  # fmt: skip
        models = await _models(tx) if actor.may(Action.EDIT_INVENTORY) else []
    view = ProposalPage(**dict(found), merged=merged.items, models=models)
    return show(
        request, "observed/proposals.html", view, status=status, at=at, given=given or {}, errors=errors or {},
        may_answer=actor.may(Action.EDIT_INVENTORY), kept=asked.again(),
        kinds=[value for f in asked.filters if f.column == "kind" for value in f.values], narrowed=bool(asked.q or asked.filters),
    )  # fmt: skip


async def _models(tx: Connection) -> list[ModelChoice]:
    rows = await tx.fetch(
        "select id, manufacturer || ' ' || name as name from asset_models order by manufacturer, name limit $1",
        MODELS_MAX,
    )
    return [ModelChoice(**row) for row in rows]


@post("/identity-proposals/{proposal:uuid}/{answer:str}", guards=[requires(Action.EDIT_INVENTORY)],
      include_in_schema=False)  # fmt: skip
async def answer(
    request: AnyRequest, proposal: FromPath[UUID], answer: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Answer one question: accept, dismiss or undo; the page again with what was written when that cannot be."""
    if answer not in ("accept", "dismiss", "undo"):
        raise NotFound()
    leads_to = "/identity-proposals"
    try:
        version = _version(data.get("version", ""))
        why, now = data.get("reason", ""), clock.now()
        if answer == "dismiss":
            await proposals.dismiss(actor, proposal, version=version, why=why, now=now)
        elif answer == "undo":
            await proposals.undo_merge(actor, proposal, version=version, why=why, now=now)
        else:
            said, wrong = parse(AcceptIn, {k: v for k, v in data.items() if k != "version"}, choose(request))
            if said is None:
                raise Invalid(fields=wrong)
            await accept_proposal(actor, proposal, said, version)
    except (Invalid, Conflict) as error:
        errors = _errors(request, error, "proposal")
        return await _questions(
            request, actor, ListQuery(), at=proposal, given=data, errors=errors, status=error.status
        )
    return Redirect(leads_to, status_code=303)


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Stale()
    return int(text)


def _errors(request: AnyRequest, error: AssetsError, otherwise: str) -> dict[str, str]:
    chosen = choose(request)
    found = error.fields if isinstance(error, Invalid) else {}
    return {name: translate(chosen, said) for name, said in found.items()} or {
        otherwise: translate(chosen, error.detail, **error.facts)
    }


routes: Sequence[ControllerRouterHandler] = [differences, settle, questions, answer]
