"""Signed addresses of a transfer's sides: issued from its page or by the API, and the form that opens behind one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.guards import requires_any
from assets.access.signed_addresses import DAYS, LENDS, Purpose, SignedAddress
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.attachments.api import MB, UPLOAD
from assets.inventory.attachments.upload import FILE, READ_MAX, Sent, form_received
from assets.inventory.attachments.upload import Form as SentForm
from assets.inventory.transfers import hand_over, line_photos, queries
from assets.inventory.transfers.course import Line, Side
from assets.inventory.transfers.hand_over import NAME_MAX, NOTE_MAX, POST_MAX, SAYS, Confirmed
from assets.inventory.transfers.service import LINES_MAX, Outcome
from assets.papers.codes import inline
from assets.settings import Settings
from assets.web.forms import numbered, told
from assets.web.language import N_
from assets.web.parameters import ANY
from assets.web.templates import page

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
SIDES = requires_any(*LENDS[Purpose.CONFIRM_HAND_OVER].issuer)
LIFE = 7  # days that an address of a page is valid
STATE, WORD = "state_", "word_"  # what the fields of a line begin with; its tag follows


class HandOverAddressIn(BaseModel):
    """Which side is to confirm by the address, and for how many days it is valid."""

    model_config = ConfigDict(extra="forbid")
    side: Side
    days: Annotated[int, Field(ge=1, le=DAYS[-1])] = LIFE


class HandOverAddressOut(BaseModel):
    """An address by which one side of a transfer confirms without a password; it is told this one time."""

    address: str
    expires_at: datetime


@post(
    "/api/v1/transfers/{number:int}/hand-over-addresses", operation_id="issueHandOverAddress", tags=["inventory"],
    guards=[SIDES],
)  # fmt: skip
async def issue_address(
    number: FromPath[int], data: JSONBody[HandOverAddressIn], actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> HandOverAddressOut:  # fmt: skip
    """Issue an address for one side, by whoever may receive or edit there; withdraw it at `signed-addresses`."""
    now = clock.now()
    made = await hand_over.issue(actor, number, data.side, timedelta(days=data.days), now=now)
    return HandOverAddressOut(address=_url(settings, made.secret), expires_at=now + timedelta(days=data.days))


def _url(settings: Settings, secret: str) -> str:
    return f"{settings.url}/h/{secret}"


@post(
    "/transfers/{number:str}/hand-over-address",
    guards=[SIDES],
    include_in_schema=False,
    status_code=200,
)
async def issue(
    request: AnyRequest, number: FromPath[str], data: Form, actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> Response[Any]:  # fmt: skip
    """Issue one; the page that answers shows it, once, with a code to scan."""
    if data.get("side") not in set(Side):
        raise NotFound()
    side = Side(data["side"])
    made = await hand_over.issue(actor, numbered(number), side, timedelta(days=LIFE), now=clock.now())
    url = _url(settings, made.secret)
    view = await queries.one(actor, numbered(number))
    return page(
        request, "inventory/hand_over_address.html", view=view, side=side, url=url, picture=inline(url), days=LIFE
    )  # fmt: skip


@post(
    "/transfers/{number:str}/hand-over-addresses/{address:uuid}/withdraw",
    guards=[SIDES],
    include_in_schema=False,
)
async def withdraw(number: FromPath[str], address: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """End an address of this transfer at once."""
    await hand_over.withdraw(actor, numbered(number), address, now=clock.now())
    return Redirect(f"/transfers/{number}?done=withdrawn#hand-over", status_code=303)


async def _opened(request: AnyRequest, secret: str) -> SignedAddress:
    origin = request.client.host if request.client else ""
    return await signed_addresses.opened(Purpose.CONFIRM_HAND_OVER, secret, now=clock.now(), origin=origin)


@get("/h/{secret:str}", opt={"public": True, "query": (ANY,)}, include_in_schema=False)
async def form(request: AnyRequest, secret: FromPath[str], settings: NamedDependency[Settings]) -> Response[Any]:
    """What is handed over, for whoever holds the address of a side, and a form to confirm it."""
    return await _form(request, settings, await _opened(request, secret), {})


async def _form(
    request: AnyRequest, settings: Settings, address: SignedAddress, given: Mapping[str, str],
    errors: Mapping[str, str] | None = None, status: int = 200, *, photos_again: bool = False,
) -> Response[Any]:  # fmt: skip
    row, lines, side, said = await hand_over.behind(address)
    return page(
        request, "inventory/hand_over.html", status=status, transfer=row, lines=lines, side=side, said=said, says=SAYS,
        state=STATE, word_of=WORD, given=given, errors=errors or {}, file_mb=settings.attachment_mb, name_max=NAME_MAX,
        post_max=POST_MAX, note_max=NOTE_MAX,
        part_of=line_photos.part_of, photos_again=photos_again,
    )  # fmt: skip


@post("/h/{secret:str}", opt=UPLOAD | {"public": True}, request_max_body_size=READ_MAX, include_in_schema=False)
async def confirm(request: AnyRequest, secret: FromPath[str], settings: NamedDependency[Settings]) -> Response[Any]:
    """Confirm as the form says; the page that follows says what was written down."""
    address = await _opened(request, secret)
    await signed_addresses.knock(address, clock.now())
    given: dict[str, str] = {}
    photographed = False
    try:
        most = settings.attachment_mb * MB
        async with form_received(request, FILE, most, line_photos.PHOTOS_MAX, names=3 * LINES_MAX + 10) as sent:
            given |= {name: values[-1] for name, values in sent.fields.items()}
            photographed = bool(sent.files or sent.large)
            photos = _photos(sent)
            said = Confirmed(
                given.get("name", ""),
                given.get("post", ""),
                given.get("note", ""),
                _lines(given),
                photos.pop("", None),
                photos,
            )
            await hand_over.confirm(address, said, now=clock.now())
    except (Invalid, Conflict) as error:
        wrong = dict(error.fields) if isinstance(error, Invalid) else {}
        told_of = wrong or told(error, "form")
        return await _form(request, settings, address, given, told_of, error.status, photos_again=photographed)
    return Redirect(f"/h/{quote(secret, safe='')}", status_code=303)


def _photos(sent: SentForm) -> dict[str, Sent]:
    """The photos of a form by the tag of their asset, that of the whole by nothing; Invalid names those that are too large."""
    if sent.large or sent.too_many:
        raise Invalid(fields=dict.fromkeys(sent.large, line_photos.LARGE) or {FILE: line_photos.MANY})
    return {one.part.removeprefix(FILE).removeprefix("_"): one for one in sent.files}


def _lines(given: Mapping[str, str]) -> dict[str, Outcome]:
    """What the form says of each line, by its tag; an empty state says nothing of it."""
    said = {name.removeprefix(STATE): state for name, state in given.items() if name.startswith(STATE) and state}
    if not set(said.values()) <= set(Line):
        raise Invalid(fields={"lines": N_("Please choose one of the list.")})
    return {tag: Outcome(Line(state), given.get(WORD + tag, "")) for tag, state in said.items()}


routes: Sequence[ControllerRouterHandler] = (issue_address, issue, withdraw, form, confirm)
