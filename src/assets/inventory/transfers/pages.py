"""Pages of transfers: what comes in first, a form to send, and one transfer whose receiver taps what has arrived."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import current_actor, requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD, AttachmentOut, files_of
from assets.inventory.attachments.upload import received
from assets.inventory.lifecycle import Stage
from assets.inventory.transfers import queries, service
from assets.inventory.transfers.api import photograph_as
from assets.inventory.transfers.course import OUTCOMES, Line
from assets.inventory.transfers.queries import LISTING, HandOverAddressRow, TransferDetail, TransferOut
from assets.inventory.transfers.service import NewTransfer, Outcome, Receiving
from assets.settings import Settings
from assets.web.forms import Choice, numbered, whole, written_day
from assets.web.language import N_
from assets.web.paging import LIMIT_MAX, ListQuery, Page, listed
from assets.web.templates import page, show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
FIELDS_MAX = 2_000
DONE = ("sent", "taken-out", "received", "refused", "cancelled", "withdrawn")  # what a page says that was done


class TransferList(Page[TransferOut]):
    """The list, and before it what is on its way to the caller's own sites, the oldest first."""

    incoming: list[TransferOut]


class Sendable(Choice):
    """An asset that can go, with what kind of thing it is."""

    serial: str
    kind: str
    kind_en: str


class TransferPage(TransferDetail):
    """A transfer with the photos and papers on it, what was packed and what arrived, and the addresses that confirm it."""

    files: list[AttachmentOut]
    addresses: list[HandOverAddressRow]


class NewTransferForm(BaseModel):
    """What the form offers: sites to send from and to, and the assets of the chosen one that can go."""

    from_site: str
    from_sites: list[Choice]
    to_sites: list[Choice]
    assets: list[Sendable]


@get(
    ["/transfers", "/transfers.json"], name="transfers", include_in_schema=False, guards=[requires(Action.VIEW)],
    dependencies=listed(LISTING)["dependencies"], opt={"twin": (TransferList, "transfers"), "listing": LISTING},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Transfers from and to the caller's sites, what comes in first."""
    async with transaction(actor.scope) as tx:
        found = await queries.listed_transfers(tx, actor.scope, asked)
        plain = not (asked.filters or asked.q or asked.cursor)
        incoming = await queries.incoming(tx, actor) if plain else []
    view = TransferList(**dict(found), incoming=incoming)
    return show(
        request, "inventory/transfers.html", view, query_text=asked.q, kept=asked.again(),
        asked={f.column: [str(value) for value in f.values] for f in asked.filters},
        may_send=current_person(request).may(Action.EDIT_INVENTORY),
    )  # fmt: skip


def current_person(request: AnyRequest) -> Actor:
    """Whoever asks, with all that they may do, whatever this call is about."""
    person = request.scope["state"].get("person")
    return person if isinstance(person, Actor) else current_actor(request)


@get(
    ["/transfers/new", "/transfers/new.json"], name="new_transfer", guards=[requires(Action.EDIT_INVENTORY)],
    **twin(NewTransferForm, "new_transfer", ("from", "asset")),
)  # fmt: skip
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form; `?asset=` comes from an asset's page, `?from=` from the choice of a site."""
    given = {name: str(request.query_params.get(name) or "") for name in ("from", "asset")}
    return await _form(request, actor, given["from"], {"tags": given["asset"]}, [given["asset"]])


@post("/transfers/new", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def make(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Make the transfer that the form says, and send it if that button was pressed."""
    fields = _fields(await request.form())
    ticked = fields.get("asset", [])
    given = {name: values[-1] for name, values in fields.items() if values}
    try:
        new = _new(given, [*ticked, *_tags(given.get("tags", ""))])
        number = await service.draft(actor, new, now=clock.now())
    except (Invalid, Conflict, NotFound) as error:
        return await _form(request, actor, given.get("from_site", ""), given, ticked, error)
    return _to(number, "sent" if new.send else "")


def _new(given: Mapping[str, str], tags: Sequence[str]) -> NewTransfer:
    wrong = {name: N_("Please choose one of the list.") for name in ("from_site", "to_site") if not given.get(name)}
    dates: dict[str, date | None] = {}
    for name in ("decision_date", "expected_on"):
        try:
            dates[name] = written_day(given, name)
        except Invalid as error:
            wrong |= error.fields
    if wrong:
        raise Invalid(fields=wrong)
    return NewTransfer(
        given["from_site"], given["to_site"], tags, carrier=given.get("carrier", ""), reason=given.get("reason", ""),
        decision_number=given.get("decision_number", ""), decision_date=dates["decision_date"],
        expected_on=dates["expected_on"], send=bool(given.get("send")),
    )  # fmt: skip


def _tags(text: str) -> list[str]:
    """Tags as people write them: one a line, or with commas."""
    return [tag for part in text.replace(",", "\n").replace(";", "\n").splitlines() if (tag := part.strip())]


async def _form(
    request: AnyRequest, actor: Actor, from_site: str, given: Mapping[str, str], ticked: Sequence[str],
    error: AssetsError | None = None,
) -> Response[Any]:  # fmt: skip
    offered = await queries.new_form(actor, from_site, next(iter(ticked), ""))
    view, known = NewTransferForm.model_validate(offered), {asset["code"] for asset in offered["assets"]}
    if request.scope["path"].endswith(".json"):
        return show(request, "inventory/transfer_new.html", view)
    # A ticked asset that the list does not offer stands in the field of tags.
    tags = given.get("tags", "")
    if known:
        tags = "\n".join(tag for tag in _tags(tags) if tag.upper() not in known)
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    by_tag = [message for name, message in errors.items() if name.startswith("assets")]
    return page(
        request, "inventory/transfer_new.html", status=error.status if error else 200, view=view, errors=errors,
        given={**dict(given), "tags": tags}, ticked={tag.upper() for tag in ticked},
        wrong_assets=list(dict.fromkeys(by_tag)), reason_max=service.REASON_MAX,
        refused=(error.detail, error.facts) if error and not errors else None,
    )  # fmt: skip


@get("/transfers/{number:str}", guards=[requires(Action.VIEW)], **twin(TransferPage, "transfer", ("done",)))
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One transfer: where it is, what goes with it, and what its reader can do now."""
    return await _one(request, actor, numbered(without_suffix(number)))


async def _one(
    request: AnyRequest, actor: Actor, number: int, error: AssetsError | None = None,
    fields: Mapping[str, list[str]] | None = None, tried: str = "",
) -> Response[Any]:  # fmt: skip
    viewer, person = actor.within(Action.VIEW), current_person(request)
    found = await queries.one(viewer, number)
    async with transaction(viewer.scope) as tx:
        subject = await attachments.subject_of(tx, viewer, service.KIND, str(number))
        files = await files_of(tx, viewer.scope, subject.id)
        removable = await attachments.removable(tx, person, subject)
        sides = await tx.fetchrow("select from_site, to_site from transfers where id = $1", subject.id)
    addresses = await queries.valid_addresses(viewer, number, now=clock.now())
    view = TransferPage(**found.model_dump(), files=files, addresses=addresses)
    if request.scope["path"].endswith(".json"):
        return show(request, "inventory/transfer.html", view)
    settings: Settings = request.app.state["settings"]
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    done = str(request.query_params.get("done") or "")
    return page(
        request, "inventory/transfer.html", status=error.status if error else 200, view=view, errors=errors,
        given={name: values[-1] for name, values in (fields or {}).items() if values}, outcomes=list(OUTCOMES),
        done=done if done in DONE else "", tried=tried, note_max=service.NOTE_MAX,
        refused=(error.detail, error.facts) if error and not errors else None, file_mb=settings.attachment_mb,
        may_attach=any(person.may(Action.RECEIVE_TRANSFER, side) for side in sides.values()), removable=removable,
    )  # fmt: skip


Doing = Callable[[Actor, int, Mapping[str, list[str]], int | None], Awaitable[None]]


async def _act(request: AnyRequest, actor: Actor, number: str, done: str, doing: Doing) -> Response[Any]:
    fields = _fields(await request.form())
    version = whole((fields.get("version") or [""])[-1])
    try:
        await doing(actor, numbered(number), fields, version)
    except (Invalid, Conflict) as error:
        return await _one(request, actor, numbered(number), error, fields, done)
    return _to(numbered(number), done)


async def _send(actor: Actor, number: int, fields: Mapping[str, list[str]], version: int | None) -> None:
    await service.send(actor, number, version=version, now=clock.now())


async def _take_out(actor: Actor, number: int, fields: Mapping[str, list[str]], version: int | None) -> None:
    tag, note = ((fields.get(name) or [""])[-1] for name in ("only", "note"))
    await service.take_out(actor, number, tag, note, version=version, now=clock.now())


async def _receive(actor: Actor, number: int, fields: Mapping[str, list[str]], version: int | None) -> None:
    """One button for everything, one for each line: `only` names the line, `state` what has become of it."""
    only, note = (fields.get("only") or [""])[-1], (fields.get("note") or [""])[-1]
    said = (fields.get("state") or [Line.RECEIVED])[-1]
    if said not in set(Line):
        raise Invalid(fields={"state": N_("Please choose one of the list.")})
    outcomes = {only: Outcome(Line(said), note)} if only else {}
    stage = (fields.get("stage") or [""])[-1]
    receiving = Receiving(outcomes, Stage(stage) if stage in set(Stage) else None)
    await service.receive(actor, number, receiving, version=version, now=clock.now())


async def _refuse(actor: Actor, number: int, fields: Mapping[str, list[str]], version: int | None) -> None:
    await service.refuse(actor, number, (fields.get("note") or [""])[-1], version=version, now=clock.now())


async def _cancel(actor: Actor, number: int, fields: Mapping[str, list[str]], version: int | None) -> None:
    await service.cancel(actor, number, (fields.get("note") or [""])[-1], version=version, now=clock.now())


@post("/transfers/{number:str}/send", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def send(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Send a draft."""
    return await _act(request, actor, number, "sent", _send)


@post("/transfers/{number:str}/take-out", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def take_out(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Let one asset of a draft go again."""
    return await _act(request, actor, number, "taken-out", _take_out)


@post("/transfers/{number:str}/receive", guards=[requires(Action.RECEIVE_TRANSFER)], include_in_schema=False)
async def receive(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Everything has arrived, or one asset has, or it has not."""
    return await _act(request, actor, number, "received", _receive)


@post("/transfers/{number:str}/refuse", guards=[requires(Action.RECEIVE_TRANSFER)], include_in_schema=False)
async def refuse(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Send back what is still on its way."""
    return await _act(request, actor, number, "refused", _refuse)


@post("/transfers/{number:str}/cancel", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def cancel(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Give it up."""
    return await _act(request, actor, number, "cancelled", _cancel)


@post("/transfers/{number:str}/files", guards=[requires(Action.RECEIVE_TRANSFER)], include_in_schema=False,
      request_max_body_size=BODY_MAX, opt=UPLOAD)  # fmt: skip
async def add_file(
    request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Keep a photo or a paper on the transfer; both of its sides may, and both see it."""
    thing = str(numbered(number))
    try:
        async with received(request, settings.attachment_mb * MB) as sent:
            await attachments.attach(
                actor, service.KIND, thing, sent, note=sent.fields.get("note", ""), now=clock.now(),
                by=Action.RECEIVE_TRANSFER,
            )  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _one(request, actor, numbered(number), error)
    return Redirect(f"/transfers/{thing}#files", status_code=303)


@post("/transfers/{number:str}/photos", guards=[requires(Action.RECEIVE_TRANSFER)], include_in_schema=False,
      request_max_body_size=BODY_MAX, opt=UPLOAD)  # fmt: skip
async def add_photo(
    request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Keep a photo of one asset, as it was given or as it came."""
    try:
        async with received(request, settings.attachment_mb * MB) as sent:
            await photograph_as(actor, numbered(number), sent)
    except (Invalid, Conflict) as error:
        return await _one(request, actor, numbered(number), error)
    return Redirect(f"/transfers/{numbered(number)}#lines", status_code=303)


def _fields(form: FormMultiDict) -> dict[str, list[str]]:
    names = list(dict.fromkeys(form))
    if len(names) > FIELDS_MAX:
        raise Invalid(N_("What was sent cannot be read."))
    return {name: [v for v in form.getall(name) if isinstance(v, str)][:LIMIT_MAX] for name in names}


def _to(number: int, done: str) -> Response[Any]:
    return Redirect(f"/transfers/{number}" + (f"?done={done}" if done else ""), status_code=303)


routes: Sequence[ControllerRouterHandler] = (
    listing,
    form,
    make,
    one,
    send,
    take_out,
    receive,
    refuse,
    cancel,
    add_file,
    add_photo,
)
