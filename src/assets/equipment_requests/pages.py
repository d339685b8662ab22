"""Pages of equipment requests: the clerk's form, the list, one request with its story and its next steps."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.equipment_requests import forms, parts, queries, queues, service
from assets.equipment_requests.answering import RequestAnswer, answer, parts_of
from assets.equipment_requests.asking_pages import ASKER, PHOTO, PHOTOS_MAX, may_attach, put_photos
from assets.equipment_requests.asking_pages import routes as asking_routes
from assets.equipment_requests.facts import Facts, beside
from assets.equipment_requests.forms import Fields
from assets.equipment_requests.queries import LISTING, RequestDetail, RequestOut
from assets.equipment_requests.service import Filed
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.attachments.api import AttachmentOut, files_of
from assets.inventory.attachments.upload import READ_MAX
from assets.inventory.saved_filters.pages import saved_for
from assets.settings import Settings
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, listed
from assets.web.templates import page, show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]


class RequestPage(RequestDetail):
    """A request as its page shows it: with its photos, and the facts beside it for those who decide or give."""

    facts: Facts | None = None
    answer: RequestAnswer | None = None
    files: list[AttachmentOut]


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
    "/equipment-requests/{number:str}", guards=[requires(Action.VIEW_REQUESTS)],
    **twin(RequestPage, "equipment_request", ("done",)),
)  # fmt: skip
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One request: in whose hands it is, what happens next, what happened so far."""
    return await _one(request, actor, without_suffix(number))


@post("/equipment-requests/{number:str}/{step:str}", guards=[requires(Action.VIEW_REQUESTS)], include_in_schema=False)
async def take(
    request: AnyRequest, number: FromPath[str], step: FromPath[str], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Take a step; what is refused comes back as the page with the reason and what was typed."""
    if step not in TAKE:
        raise NotFound()
    return await _take(request, actor, number, Step(step))


async def _take(request: AnyRequest, actor: Actor, number: str, step: Step) -> Response[Any]:
    fields = Fields.of(await request.form())
    try:
        filed = await TAKE[step](actor, number, step, fields)
    except (Invalid, Conflict) as error:
        return await _refused(request, actor, number, error, tried=step, fields=fields)
    return _to(filed, step)


async def _refused(
    request: AnyRequest, actor: Actor, number: str, error: Invalid | Conflict, *, tried: str, fields: Fields | None = None
) -> Response[Any]:  # fmt: skip
    wrong = dict(error.fields) if isinstance(error, Invalid) else {}
    return await _one(
        request, actor, number, status=error.status, tried=tried, fields=fields, errors=wrong,
        refused=None if wrong else (error.detail, error.facts),
    )  # fmt: skip


@post(
    "/equipment-requests/{number:str}/photos", guards=[ASKER], include_in_schema=False, request_max_body_size=READ_MAX,
)  # fmt: skip
async def add_photos(
    request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Put photos on a request; what is refused comes back as the page with the reason."""
    try:
        put = await put_photos(request, actor, number, settings)
    except (Invalid, Conflict) as error:
        return await _refused(request, actor, number, error, tried=PHOTO)
    return Redirect(f"/equipment-requests/{put}#photos", status_code=303)


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


# After these steps of one request whoever has many of them goes on to the next.
WORKED_OFF = frozenset({Step.APPROVE, Step.RETURN, Step.REFUSE, Step.SPLIT, Step.FULFIL})
Taker = Callable[[Actor, str, Step, Fields], Awaitable[Filed]]
TAKE: Mapping[Step, Taker] = {
    **dict.fromkeys(service.SIMPLE, _simple), Step.APPROVE: _approve, Step.FULFIL: _fulfil, Step.SPLIT: _split,
}  # fmt: skip


async def _one(
    request: AnyRequest, actor: Actor, ref: str, *, status: int = 200, tried: str = "",
    fields: Fields | None = None, errors: Mapping[str, str] | None = None, refused: tuple[str, object] | None = None,
) -> Response[Any]:  # fmt: skip
    language = choose(request)
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, ref, language)
        decides = bool({Step.APPROVE, Step.FULFIL} & set(detail.steps))
        facts = await beside(tx, actor, ref, language) if decides else None
        files = await files_of(tx, actor.scope, detail.id)
        shown = await _parts(tx, actor, detail, ref, language)
        done = _done(request)
        waiting = await _waiting(tx, actor, language) if done in WORKED_OFF else None
    view = RequestPage(**detail.model_dump(), facts=facts, answer=shown, files=files)
    if request.scope["path"].endswith(".json"):
        return show(request, "equipment_requests/one.html", view)
    return page(
        request, "equipment_requests/one.html", status=status, view=view, tried=tried, errors=errors or {},
        given=(fields or Fields()).values, refused=refused, done=done, waiting=waiting, states=list(State),
        facts={line.position: line for line in facts.lines} if facts else {}, note_max=service.NOTE_MAX,
        part_note_max=parts.NOTE_MAX, may_attach=may_attach(actor, detail), photos_max=PHOTOS_MAX, most=queues.most,
        file_mb=request.app.state["settings"].attachment_mb,
    )  # fmt: skip


async def _waiting(tx: Connection, actor: Actor, language: str) -> Page[RequestOut]:
    """How many requests wait for this person, with the one that comes first."""
    asked = ListQuery.of({"waiting_for_me": ["true"], "sort": ["priority"], "limit": ["1"]}, LISTING)
    return await queries.listed_requests(tx, actor, asked, language)


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


routes: Sequence[ControllerRouterHandler] = (listing, *asking_routes, one, add_photos, take)
