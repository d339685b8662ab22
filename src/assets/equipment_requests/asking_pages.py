"""The form that asks for things: the catalogue, the chosen lines with what is known of each, and their photos.

It is one form for a new request and for one that is corrected. Without scripts each button sends it and it comes back with
everything that was typed; with them things are chosen on the spot, and what is typed survives a lost connection (drafts.js).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
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
from assets.equipment_requests import forms, queries, service
from assets.equipment_requests.asking import COST_MAX, LINES_MAX, QUANTITY_MAX, LineKind, thing
from assets.equipment_requests.catalogue import SHOWN, Group, applications, catalogue, holders
from assets.equipment_requests.forms import Fields, Typed, TypedLine
from assets.equipment_requests.knowing import Thing, ThingFacts, known
from assets.equipment_requests.lines import LINE_REASON_MAX, POST_MAX, Line, found_of
from assets.equipment_requests.queries import RequestDetail, RequestLineOut
from assets.equipment_requests.service import Amended, Filed
from assets.equipment_requests.workflow import OVER, State, Step
from assets.errors import AssetsError, Conflict, Invalid, NotAllowed, Stale
from assets.ids import new_id
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.service import Looked
from assets.inventory.attachments.upload import READ_MAX, Form, form_received
from assets.settings import Settings
from assets.text import clean_code
from assets.web.forms import Choice
from assets.web.language import N_, choose, translate
from assets.web.templates import page, show, twin, wants_fragment

AnyRequest = Request[Any, Any, Any]
SITES_MAX = 500  # in the choice that people of the province get
PHOTO, PHOTOS_MAX = "photo", 4
MB = 1024 * 1024
ASKER = requires(Action.REQUEST_EQUIPMENT)
LOOKED_AT = frozenset({"more", "find", "update"})  # buttons that send the form only to see it again
INSTEAD = N_("In the place of %(tag)s")
PHOTOS_LARGE = N_("A photo is too large and was not taken. What was written is still here.")
PHOTOS_MANY = N_("At most 4 photos. What was written is still here.")


class LineForm(BaseModel):
    """A chosen line: what it is and what was typed, with what is known of the thing (null: there is no such thing)."""

    position: int
    thing: str
    kind: LineKind
    name: str
    picture: str
    unit: str
    quantity: str
    reason: str
    holder_post: str
    application: str
    unit_cost: str
    facts: ThingFacts | None


class NewForm(BaseModel):
    """What the form for a new request offers; `site` is the centre that asks (null: choose one of `sites` first)."""

    site: Choice | None
    sites: list[Choice]
    groups: list[Group]
    lines: list[LineForm]


@get(
    ["/equipment-requests/new", "/equipment-requests/new.json"], name="new_equipment_request", guards=[ASKER],
    **twin(NewForm, "new_equipment_request", ("site", "pick", "replaces", "q", "find", "go")),
)  # fmt: skip
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form; `?pick=`, `?replaces=` and `?site=` come from links that know them, and from the catalogue without scripts."""
    given = request.query_params
    fields = Fields({name: [str(v) for v in given.getall(name)] for name in ("site", "pick", "q") if name in given})
    typed = forms.typed(fields)
    if tag := str(given.get("replaces") or ""):
        typed = replace(typed, lines=[*typed.lines, *await _in_the_place_of(actor, tag, choose(request))])
    return await _form(request, actor, replace(typed, key=str(new_id())), looking="find" in given or bool(typed.q))


async def _in_the_place_of(actor: Actor, tag: str, language: str) -> list[TypedLine]:
    """A line for another thing of the same kind as the asset with this tag; none when nobody sees such an asset."""
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow(
            "select a.tag, c.code from assets a join asset_models m on m.id = a.model join asset_categories c "
            "on c.id = m.category where a.tag = $1", clean_code(tag),
        )  # fmt: skip
    if row is None:
        return []
    return [TypedLine(f"equipment:{row['code']}", reason=translate(language, INSTEAD, tag=row["tag"]))]


@post(
    "/equipment-requests/new", guards=[ASKER], include_in_schema=False, request_max_body_size=READ_MAX,
)  # fmt: skip
async def file(
    request: AnyRequest, actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """File what the form says, with its photos; the same form sent again leads to the same request."""
    async with _received(request, actor, settings) as sent:
        typed = replace(sent.typed, key=str(forms.form_key(sent.typed.key)))
        if sent.go in LOOKED_AT:
            return await _form(request, actor, typed, looking=sent.go == "find")
        try:
            filed = await _filed(actor, typed, await sent.photos(), send=not sent.fields.text("draft"))
        except Invalid as error:
            return await _form(request, actor, typed, error)
        except Conflict as error:  # a key that was used stays used
            return await _form(request, actor, replace(typed, key=str(new_id())), error)
    return _to(filed, "sent" if filed.state is State.SUBMITTED else "")


async def _filed(actor: Actor, typed: Typed, photos: Sequence[Looked], *, send: bool) -> Filed:
    """The request with its photos, or nothing."""
    now = clock.now()
    async with transaction(actor.scope):
        filed = await service.file(actor, typed.filing(send=send), now=now)
        if not filed.again:
            await _attach(actor, filed, photos)
    return filed


async def _attach(actor: Actor, filed: Filed, photos: Sequence[Looked]) -> None:
    for photo in photos:
        await attachments.keep(actor, service.KIND, str(filed.id), photo, now=clock.now(), by=Action.REQUEST_EQUIPMENT)


@get("/equipment-requests/{number:str}/amend", guards=[ASKER], include_in_schema=False)
async def amend_form(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form to correct a draft or a returned request."""
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, number, choose(request))
    if Step.AMEND not in detail.steps:
        return Redirect(f"/equipment-requests/{detail.number}", status_code=303)
    lines = [_typed_line(line) for line in detail.lines]
    typed = Typed(detail.site, "", detail.reason, lines=lines)
    return await _form(request, actor, typed, amends=detail)


@post(
    "/equipment-requests/{number:str}/amend", guards=[ASKER], include_in_schema=False, request_max_body_size=READ_MAX,
)  # fmt: skip
async def amend(
    request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Correct it as the form says, and send it if that button was pressed."""
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, number, choose(request))
    async with _received(request, actor, settings) as sent:
        typed = replace(sent.typed, site=detail.site)
        if sent.go in LOOKED_AT:
            return await _form(request, actor, typed, looking=sent.go == "find", amends=detail, fields=sent.fields)
        try:
            filed = await _amended(actor, detail, typed, sent.fields, await sent.photos())
        except (Invalid, Conflict) as error:
            return await _form(request, actor, typed, error, amends=detail, fields=sent.fields)
    return _to(filed, Step.AMEND)


async def _amended(
    actor: Actor, detail: RequestDetail, typed: Typed, fields: Fields, photos: Sequence[Looked]
) -> Filed:
    # Correcting and sending are one act for the clerk, and so one transaction.
    now, number = clock.now(), str(detail.number)
    amended = Amended(reason=typed.reason, lines=[line.asked() for line in typed.lines])
    async with transaction(actor.scope):
        filed = await service.amend(actor, number, amended, forms.doing(fields), now=now)
        await _attach(actor, filed, photos)
        if fields.text("send"):
            filed = await service.act(actor, number, Step.SUBMIT, service.Doing(), now=now)
    return filed


def may_attach(actor: Actor, detail: RequestDetail) -> bool:
    """Whether this person may add a photo to a request; its site is in their scope."""
    return actor.may(Action.REQUEST_EQUIPMENT) and detail.state not in OVER


async def put_photos(request: AnyRequest, actor: Actor, number: str, settings: Settings) -> int:
    """Put the photos of a form on a request that is not settled yet, whose number is the answer.

    Invalid says what is wrong with a photo, Conflict that the request is over.
    """
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, number, choose(request))
    if not may_attach(actor, detail):
        raise Conflict(service.SETTLED, state=detail.state)
    async with _received(request, actor, settings) as sent:
        photos = await sent.photos()
        if not photos:
            raise Invalid(fields={PHOTO: N_("Please choose a file.")})
        async with transaction(actor.scope):
            await _attach(actor, Filed(detail.id, detail.number, detail.state), photos)
    return detail.number


@dataclass(frozen=True)
class _Sent:
    """What a form sent."""

    form: Form
    fields: Fields
    typed: Typed
    go: str

    async def photos(self) -> list[Looked]:
        """The photos as they can be kept; Invalid says what is wrong with one."""
        if self.form.large or self.form.too_many:
            raise Invalid(fields={PHOTO: PHOTOS_LARGE if self.form.large else PHOTOS_MANY})
        try:
            return [await attachments.look_at_picture(sent) for sent in self.form.files]
        except Invalid as error:
            raise Invalid(fields={PHOTO: next(iter(error.fields.values()))}) from None


@asynccontextmanager
async def _received(request: AnyRequest, actor: Actor, settings: Settings) -> AsyncIterator[_Sent]:
    async with form_received(request, PHOTO, settings.attachment_mb * MB, PHOTOS_MAX) as form:
        fields = Fields(form.fields)
        if fields.text("person") not in ("", str(actor.id)):
            raise NotAllowed(N_("Somebody else wrote this; it is sent when they sign in again."))
        yield _Sent(form, fields, forms.typed(fields), fields.text("go"))


async def _form(
    request: AnyRequest, actor: Actor, typed: Typed, error: AssetsError | None = None, *, looking: bool = False,
    amends: RequestDetail | None = None, fields: Fields | None = None,
) -> Response[Any]:  # fmt: skip
    language = choose(request)
    if amends is not None and Step.AMEND not in amends.steps:
        raise Conflict(service.CANNOT_AMEND, state=amends.state)
    wrong = forms.on_form(error.fields) if isinstance(error, Invalid) else {}
    async with transaction(actor.scope) as tx:
        view, site = await _offered(tx, actor, typed, language, whole=not wants_fragment(request))
        posts = await holders(tx, site) if site else []
        software = await applications(tx, language)
    seen = fields.text("version") if fields and not isinstance(error, Stale) else ""
    version = seen or (str(amends.version) if amends else "")
    # What a form needs besides its view.
    more = {
        "typed": typed, "errors": wrong, "looking": looking, "amends": amends, "version": version, "shown": SHOWN,
        "posts": posts, "software": software, "lines_max": LINES_MAX, "quantity_max": QUANTITY_MAX, "cost_max": COST_MAX,
        "reason_max": service.REASON_MAX, "line_reason_max": LINE_REASON_MAX, "post_max": POST_MAX,
        "photos_max": PHOTOS_MAX, "file_mb": request.app.state["settings"].attachment_mb,
        "refused": (error.detail, error.facts) if error and not wrong else None,
    }  # fmt: skip
    if error is None:
        return show(request, "equipment_requests/new.html", view, part="equipment_requests/_chosen.html", **more)
    return page(request, "equipment_requests/new.html", status=error.status, view=view, **more)


async def _offered(
    tx: Connection, actor: Actor, typed: Typed, language: str, *, whole: bool
) -> tuple[NewForm, UUID | None]:
    rows = await tx.fetch(
        "select id, code, name from sites where kind <> 'store' and open and ($1 or id = any($2::uuid[])) "
        "order by sort, code limit $3", actor.scope.everything, list(actor.scope.sites), SITES_MAX,
    )  # fmt: skip
    choices = {row["code"]: row for row in rows}
    only = rows[0] if len(rows) == 1 and rows[0]["id"] == actor.home_site else None
    row = only or choices.get(typed.site)
    site = row["id"] if row else None
    day = clock.today()
    groups = await catalogue(tx, site, typed.q, language, day) if whole else []
    return NewForm(
        site=Choice(code=row["code"], name=row["name"]) if row else None,
        sites=[] if only else [Choice(code=r["code"], name=r["name"]) for r in rows],
        groups=groups, lines=await chosen(tx, site, typed.lines, language),
    ), site  # fmt: skip


async def chosen(tx: Connection, site: UUID | None, lines: Sequence[TypedLine], language: str) -> list[LineForm]:
    """The lines of a form with what they are called and what is known of each."""
    found = await found_of(tx, site, [line.asked() for line in lines])
    there = [line for line in found if line is not None and site is not None]
    facts = iter(await known(tx, site, [thing_of(line) for line in there], language, clock.now()) if site else [])
    return [
        _line_form(position, typed, line, next(facts) if line is not None and site is not None else None, language)
        for position, (typed, line) in enumerate(zip(lines, found, strict=True), start=1)
    ]


def thing_of(line: Line) -> Thing:
    """What a line is about, for `known`."""
    return Thing(
        line.asked.kind, line.category, line.consumable, line.asked.capability, line.application, line.asset
    )  # fmt: skip


def _line_form(position: int, typed: TypedLine, line: Line | None, facts: ThingFacts | None, language: str) -> LineForm:
    asked = typed.asked()
    name = (line.name_en if language == "en" else "") or line.name if line else typed.thing.partition(":")[2]
    return LineForm(
        position=position, thing=typed.thing, kind=asked.kind, name=name or typed.thing,
        picture=line.picture if line else "box", unit=facts.supply.unit if facts and facts.supply else "",
        quantity=typed.quantity, reason=typed.reason, holder_post=typed.holder_post, application=asked.application,
        unit_cost=typed.unit_cost, facts=facts,
    )  # fmt: skip


def _typed_line(line: RequestLineOut) -> TypedLine:
    asked = service.Asked(
        line.category, line.quantity, line.reason, LineKind(line.kind), line.consumable, line.capability, "", line.holder_post,
        line.asset,
    )  # fmt: skip
    bound = line.application if line.capability == "account" else ""
    return TypedLine(
        thing(replace(asked, application=bound)), str(line.quantity), line.reason, line.holder_post, line.application,
        "" if line.unit_cost is None else str(line.unit_cost),
    )  # fmt: skip


def _to(filed: Filed, done: str) -> Response[Any]:
    return Redirect(f"/equipment-requests/{filed.number}" + (f"?done={done}" if done else ""), status_code=303)


routes: Sequence[ControllerRouterHandler] = (form, file, amend_form, amend)
