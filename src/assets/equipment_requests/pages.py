"""Pages of equipment requests: the clerk's form, the list, one request with its story and its next steps."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.equipment_requests import forms, parts, queries, queues, service
from assets.equipment_requests.answering import RequestAnswer, answer, parts_of
from assets.equipment_requests.facts import Facts, beside
from assets.equipment_requests.forms import Fields
from assets.equipment_requests.queries import LISTING, CategoryOut, RequestDetail, RequestOut
from assets.equipment_requests.service import Amended, Filed
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.saved_filters.pages import saved_for
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, listed
from assets.web.templates import page, show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
COMMON = 8  # kinds of equipment that the clerk sees at once; the others are one tap away
SITES_MAX = 500  # in the choice that people of the province get


class SiteChoice(BaseModel):
    """A centre for which something can be asked."""

    code: str
    name: str


class NewForm(BaseModel):
    """What the form for a new request offers; `site` is the clerk's own centre (null: choose one of `sites`)."""

    site: SiteChoice | None
    sites: list[SiteChoice]
    categories: list[CategoryOut]


class RequestPage(RequestDetail):
    """A request as its page shows it: with the facts beside it for those who decide or give."""

    facts: Facts | None = None
    answer: RequestAnswer | None = None


class RequestList(Page[RequestOut]):
    """The list with how many requests there are in each state, and how many wait for the caller."""

    counts: dict[State, int]
    for_me: int


@get(
    ["/equipment-requests", "/equipment-requests.json"], name="equipment_requests", include_in_schema=False,
    guards=[requires(Action.VIEW_REQUESTS)], dependencies=listed(LISTING)["dependencies"],
    opt={"twin": (RequestList, "equipment_requests"), "listing": LISTING},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """The requests of the caller's sites; what waits longest for somebody comes first."""
    async with transaction(actor.scope) as tx:
        found = await queries.listed_requests(tx, actor, asked, choose(request))
        counts = await queries.counts(tx, actor)
        for_me = len(await queues.waiting_for(tx, actor, clock.now(), queries.visible(actor)))
    view = RequestList(**found.model_dump(), counts=counts, for_me=for_me)
    return show(
        request, "equipment_requests/list.html", view, query_text=asked.q, province=actor.scope.everything,
        asked={f.column: [str(value) for value in f.values] for f in asked.filters},
        may_ask=actor.may(Action.REQUEST_EQUIPMENT), kept=asked.again(), sort=asked.sort,
        saved=await saved_for(request, actor, "equipment-requests", asked.again()),
    )  # fmt: skip


@get(
    ["/equipment-requests/new", "/equipment-requests/new.json"], name="new_equipment_request",
    guards=[requires(Action.REQUEST_EQUIPMENT)], **twin(NewForm, "new_equipment_request", ("category", "site")),
)  # fmt: skip
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The clerk's form; `?category=` and `?site=` come from links that know them already."""
    given = {name: str(request.query_params.get(name) or "") for name in ("category", "site")}
    return await _form(request, actor, {**given, "key": str(new_id()), "quantity": "1"})


@post("/equipment-requests/new", guards=[requires(Action.REQUEST_EQUIPMENT)], include_in_schema=False)
async def file(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """File what the form says; the same form sent again leads to the same request."""
    fields = Fields.of(await request.form())
    filing = forms.filing(fields)
    try:
        filed = await service.file(actor, filing, now=clock.now())
    except Invalid as error:
        given = {name: fields.text(name) for name in ("category", "site", "quantity", "reason")}
        return await _form(request, actor, {**given, "key": str(filing.key)}, errors=forms.on_form(error.fields))
    return _to(filed, "sent" if filed.state is State.SUBMITTED else "")


async def _form(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        view = await _new(tx, actor, choose(request))
    status = Invalid.status if errors else 200
    if request.scope["path"].endswith(".json"):
        return show(request, "equipment_requests/new.html", view)
    return page(
        request, "equipment_requests/new.html", status=status, view=view, given={"reason": "", **given},
        errors=errors or {}, common=COMMON, quantity_max=service.QUANTITY_MAX, reason_max=service.REASON_MAX,
    )  # fmt: skip


async def _new(tx: Connection, actor: Actor, language: str) -> NewForm:
    rows = await tx.fetch(
        "select id, code, name from sites where kind <> 'store' and open and ($1 or id = any($2::uuid[])) "
        "order by sort, code limit $3", actor.scope.everything, list(actor.scope.sites), SITES_MAX,
    )  # fmt: skip
    choices: dict[UUID, SiteChoice] = {row["id"]: SiteChoice(code=row["code"], name=row["name"]) for row in rows}
    own = choices.get(actor.home_site) if actor.home_site and len(choices) == 1 else None
    return NewForm(
        site=own, sites=[] if own else list(choices.values()), categories=await queries.categories(tx, language)
    )


@get(
    "/equipment-requests/{number:str}", guards=[requires(Action.VIEW_REQUESTS)],
    **twin(RequestPage, "equipment_request", ("done",)),
)  # fmt: skip
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One request: in whose hands it is, what happens next, what happened so far."""
    return await _one(request, actor, without_suffix(number))


@get("/equipment-requests/{number:str}/amend", guards=[requires(Action.REQUEST_EQUIPMENT)], include_in_schema=False)
async def amend_form(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form to correct a draft or a returned request."""
    return await _one(request, actor, number, template="amend")


@post("/equipment-requests/{number:str}/amend", guards=[requires(Action.REQUEST_EQUIPMENT)], include_in_schema=False)
async def amend(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Correct it as the form says, and send it if that button was pressed."""
    return await _take(request, actor, number, Step.AMEND)


@post("/equipment-requests/{number:str}/{step:str}", guards=[requires(Action.VIEW_REQUESTS)], include_in_schema=False)
async def take(
    request: AnyRequest, number: FromPath[str], step: FromPath[str], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Take a step; what is refused comes back as the page with the reason and what was typed."""
    if step not in set(Step):
        raise NotFound()
    return await _take(request, actor, number, Step(step))


async def _take(request: AnyRequest, actor: Actor, number: str, step: Step) -> Response[Any]:
    fields = Fields.of(await request.form())
    try:
        filed = await TAKE[step](actor, number, step, fields)
    except (Invalid, Conflict) as error:
        wrong = dict(error.fields) if isinstance(error, Invalid) else {}
        template = "amend" if step is Step.AMEND and isinstance(error, Invalid) else "one"
        return await _one(
            request, actor, number, template=template, status=error.status, tried=step, fields=fields, errors=wrong,
            refused=None if wrong else (error.detail, error.facts),
        )  # fmt: skip
    return _to(filed, step)


async def _simple(actor: Actor, number: str, step: Step, fields: Fields) -> Filed:
    return await service.act(actor, number, step, forms.doing(fields), now=clock.now())


async def _approve(actor: Actor, number: str, _: Step, fields: Fields) -> Filed:
    granted = forms.numbers(fields, "approved")
    return await service.approve(actor, number, forms.doing(fields), quantities=granted, now=clock.now())


async def _fulfil(actor: Actor, number: str, _: Step, fields: Fields) -> Filed:
    return await service.fulfil(actor, number, forms.doing(fields), tags=forms.tags(fields), now=clock.now())


async def _split(actor: Actor, number: str, _: Step, fields: Fields) -> Filed:
    said = forms.split(fields)
    try:
        return await parts.split(actor, number, said.wanted, forms.doing(fields), now=clock.now())
    except Invalid as error:
        raise Invalid(fields=said.on_form(error.fields)) from None


async def _amend(actor: Actor, number: str, _: Step, fields: Fields) -> Filed:
    amended = Amended(forms.numbers(fields, "quantity"), fields.text("reason"))
    said, now = forms.doing(fields), clock.now()
    # Correcting and sending are one act for the clerk, and so one transaction.
    async with transaction(actor.scope):
        filed = await service.amend(actor, number, amended, said, now=now)
        if fields.text("send"):
            filed = await service.act(actor, number, Step.SUBMIT, service.Doing(), now=now)
    return filed


Taker = Callable[[Actor, str, Step, Fields], Awaitable[Filed]]
TAKE: Mapping[Step, Taker] = {
    **dict.fromkeys(service.SIMPLE, _simple), Step.APPROVE: _approve, Step.FULFIL: _fulfil, Step.SPLIT: _split,
    Step.AMEND: _amend,
}  # fmt: skip


async def _one(
    request: AnyRequest, actor: Actor, ref: str, *, template: str = "one", status: int = 200, tried: str = "",
    fields: Fields | None = None, errors: Mapping[str, str] | None = None, refused: tuple[str, object] | None = None,
) -> Response[Any]:  # fmt: skip
    language = choose(request)
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, ref, language)
        decides = bool({Step.APPROVE, Step.FULFIL} & set(detail.steps))
        facts = await beside(tx, actor, ref, language) if decides else None
        shown = await _parts(tx, actor, detail, ref, language)
    view = RequestPage(**detail.model_dump(), facts=facts, answer=shown)
    if request.scope["path"].endswith(".json"):
        return show(request, "equipment_requests/one.html", view)
    if template == "amend" and Step.AMEND not in detail.steps:
        raise Conflict(service.CANNOT_AMEND)
    return page(
        request, f"equipment_requests/{template}.html", status=status, view=view, tried=tried, errors=errors or {},
        given=(fields or Fields()).values, refused=refused, done=_done(request), states=list(State),
        facts={line.position: line for line in facts.lines} if facts else {}, note_max=service.NOTE_MAX, most=queues.most,
        reason_max=service.REASON_MAX, quantity_max=service.QUANTITY_MAX,
    )  # fmt: skip


async def _parts(tx: Connection, actor: Actor, detail: RequestDetail, ref: str, language: str) -> RequestAnswer | None:
    """What can be given now for whoever gives; for everybody else, the parts that answer the request already."""
    if Step.SPLIT in detail.steps:
        return await answer(tx, actor, ref, language, clock.now())
    found = await parts_of(tx, detail.id, language)
    return RequestAnswer(lines=[], parts=found) if found else None


def _done(request: AnyRequest) -> str:
    done = str(request.query_params.get("done") or "")
    return done if done == "sent" or done in set(Step) else ""


def _to(filed: Filed, done: str) -> Response[Any]:
    return Redirect(f"/equipment-requests/{filed.number}" + (f"?done={done}" if done else ""), status_code=303)


routes: Sequence[ControllerRouterHandler] = (listing, form, file, one, amend_form, amend, take)
