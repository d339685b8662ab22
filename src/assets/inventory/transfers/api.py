"""Transfers and custody over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Invalid
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD
from assets.inventory.attachments.upload import FILE, Sent, received
from assets.inventory.lifecycle import Stage
from assets.inventory.transfers import line_photos, queries, service
from assets.inventory.transfers.course import Line, Side
from assets.inventory.transfers.queries import LISTING, CustodyOut, TransferDetail, TransferOut
from assets.inventory.transfers.service import NewTransfer, Outcome, Receiving
from assets.settings import Settings
from assets.web.language import N_
from assets.web.moments import AsOf, past_moment
from assets.web.paging import ListQuery, Page, listed
from assets.web.versions import with_version

AnyRequest = Request[Any, Any, Any]
Tag = Annotated[str, Field(min_length=1, max_length=40)]
Code = Annotated[str, Field(max_length=20)]
Short = Annotated[str, Field(max_length=120)]
Note = Annotated[str, Field(max_length=service.NOTE_MAX)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class TransferIn(BaseModel):
    """A transfer to make: assets by their tags; with `send` they are on their way at once, else it is a draft."""

    model_config = ConfigDict(extra="forbid")
    from_site: Code
    to_site: Code
    assets: Annotated[list[Tag], Field(min_length=1, max_length=service.LINES_MAX)]
    carrier: Short = ""
    decision_number: Annotated[str, Field(max_length=60)] = ""
    decision_date: date | None = None
    reason: Annotated[str, Field(max_length=service.REASON_MAX)] = ""
    expected_on: date | None = None
    send: bool = False


class ActIn(BaseModel):
    """The version that the caller saw (none: whatever it is now)."""

    model_config = ConfigDict(extra="forbid")
    version: Version | None = None


class NotedActIn(ActIn):
    """An act with a note: why."""

    note: Note = ""


class TakeOutIn(NotedActIn):
    """The asset of a draft that is not to go."""

    tag: Tag


class LineIn(BaseModel):
    """What has become of one asset; all but received needs a note."""

    model_config = ConfigDict(extra="forbid")
    tag: Tag
    state: Literal["received", "damaged", "refused", "missing"] = "received"
    note: Note = ""


class LinePhotoIn(BaseModel):
    """The form that brings a photo of one asset."""

    file: Annotated[bytes, Field(description="JPEG, PNG or WebP; told by its content")]
    tag: Tag
    side: Annotated[
        Side | None, Field(description="Whose photo it is; whoever stands on one side only need not say")
    ] = None


class ReceiveIn(ActIn):
    """What has arrived; without lines everything has. `stage` is that of what arrived: in_use or in_stock."""

    lines: Annotated[list[LineIn], Field(max_length=service.LINES_MAX)] = []
    stage: Literal["in_use", "in_stock"] | None = None


class Transfers(Controller):
    """Assets that go from one site to another."""

    path = "/api/v1/transfers"
    tags = ("inventory",)

    @get(operation_id="listTransfers", guards=[requires(Action.VIEW)], **listed(LISTING))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[TransferOut]:
        """Transfers from or to the caller's sites; what has been under way longest comes first."""
        async with transaction(actor.scope) as tx:
            return await queries.listed_transfers(tx, actor.scope, asked)

    @post(operation_id="createTransfer", guards=[requires(Action.EDIT_INVENTORY)])
    async def create(self, data: JSONBody[TransferIn], actor: NamedDependency[Actor]) -> Response[TransferDetail]:
        """Make a transfer of assets of one site, as a draft or sent at once."""
        number = await service.draft(actor, NewTransfer(**data.model_dump()), now=clock.now())
        return with_version(await queries.one(_viewing(actor), number))

    @get("/{number:int}", operation_id="getTransfer", guards=[requires(Action.VIEW)])
    async def one(self, number: FromPath[int], actor: NamedDependency[Actor]) -> Response[TransferDetail]:
        """One transfer, for both of its sides, with the acts that are possible for the caller now."""
        return with_version(await queries.one(actor, number))

    @post("/{number:int}/send", operation_id="sendTransfer", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def send(
        self, number: FromPath[int], actor: NamedDependency[Actor], data: JSONBody[ActIn | None] = None
    ) -> TransferDetail:
        """Send a draft: its assets are in the carrier's hands, and the sender answers for them."""
        await service.send(actor, number, version=data.version if data else None, now=clock.now())
        return await queries.one(_viewing(actor), number)

    @post("/{number:int}/take-out", operation_id="takeOutOfTransfer", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def take_out(
        self, number: FromPath[int], data: JSONBody[TakeOutIn], actor: NamedDependency[Actor]
    ) -> TransferDetail:
        """Let one asset of a draft go again; a request waits for it anew, and with the last one the draft is cancelled."""
        await service.take_out(actor, number, data.tag, data.note, version=data.version, now=clock.now())
        return await queries.one(_viewing(actor), number)

    @post("/{number:int}/photos", operation_id="photographTransferLine", guards=[requires(Action.RECEIVE_TRANSFER)],
          request_max_body_size=BODY_MAX, opt=UPLOAD | {"form": LinePhotoIn})  # fmt: skip
    async def photograph(
        self,
        request: AnyRequest,
        number: FromPath[int],
        actor: NamedDependency[Actor],
        settings: NamedDependency[Settings],
    ) -> TransferDetail:
        """Keep a photo of one asset as it was given or as it came; a new one takes the place of the one before."""
        async with received(request, settings.attachment_mb * MB) as sent:
            if strange := sorted(set(sent.fields) - {"tag", "side"}):
                raise Invalid(fields=dict.fromkeys((name[:60] for name in strange), N_("There is no such field.")))
            await photograph_as(actor, number, sent)
        return await queries.one(_viewing(actor), number)

    @post("/{number:int}/receive", operation_id="receiveTransfer", status_code=200,
          guards=[requires(Action.RECEIVE_TRANSFER)])  # fmt: skip
    async def receive(
        self, number: FromPath[int], actor: NamedDependency[Actor], data: JSONBody[ReceiveIn | None] = None
    ) -> TransferDetail:
        """Say what has arrived and how, line by line or everything at once; only the receiving site does this."""
        data = data or ReceiveIn()
        outcomes = {line.tag: Outcome(Line(line.state), line.note) for line in data.lines}
        if len(outcomes) < len(data.lines):
            raise Invalid(fields={"lines": N_("Each asset once only.")})
        receiving = Receiving(outcomes, Stage(data.stage) if data.stage else None)
        await service.receive(actor, number, receiving, version=data.version, now=clock.now())
        return await queries.one(_viewing(actor), number)

    @post("/{number:int}/refuse", operation_id="refuseTransfer", status_code=200,
          guards=[requires(Action.RECEIVE_TRANSFER)])  # fmt: skip
    async def refuse(
        self, number: FromPath[int], actor: NamedDependency[Actor], data: JSONBody[NotedActIn | None] = None
    ) -> TransferDetail:
        """Send everything back that is still on its way; the note says why."""
        data = data or NotedActIn()
        await service.refuse(actor, number, data.note, version=data.version, now=clock.now())
        return await queries.one(_viewing(actor), number)

    @post("/{number:int}/cancel", operation_id="cancelTransfer", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def cancel(
        self, number: FromPath[int], actor: NamedDependency[Actor], data: JSONBody[NotedActIn | None] = None
    ) -> TransferDetail:
        """Give up a transfer of which nothing has been received yet; only the sending site does this."""
        data = data or NotedActIn()
        await service.cancel(actor, number, data.note, version=data.version, now=clock.now())
        return await queries.one(_viewing(actor), number)


async def photograph_as(actor: Actor, number: int, sent: Sent) -> None:
    """Keep the photo of a form, of the asset and as the side that its fields say."""
    if not sent.name:
        raise Invalid(fields={FILE: N_("Please choose a file.")})
    side = sent.fields.get("side", "")
    if side and side not in set(Side):
        raise Invalid(fields={"side": N_("Please choose one of the list.")})
    if not sent.fields.get("tag"):
        raise Invalid(fields={"tag": N_("Please fill this in.")})
    by = Side(side) if side else None
    await line_photos.photograph(actor, number, sent.fields["tag"], by, sent, now=clock.now())


def _viewing(actor: Actor) -> Actor:
    """The same person with the scope in which they look at things."""
    return actor.within(Action.VIEW)


@get(
    "/api/v1/assets/{tag:str}/custody",
    operation_id="getAssetCustody",
    guards=[requires(Action.VIEW)],
    tags=["inventory"],
)
async def asset_custody(tag: FromPath[str], actor: NamedDependency[Actor], as_of: AsOf = None) -> CustodyOut:
    """In whose hands an asset is, or was at a moment: always exactly one site or one carrier."""
    return await queries.custody(actor, tag, None if as_of is None else past_moment(as_of))


routes: Sequence[ControllerRouterHandler] = [Transfers, asset_custody]
