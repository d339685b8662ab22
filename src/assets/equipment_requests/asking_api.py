"""What programs need to ask for things: the catalogue, what is known of each thing beforehand, and photos of a request."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests import queries, service
from assets.equipment_requests.asking import LINES_MAX, Asked, of_thing
from assets.equipment_requests.asking_pages import may_attach, thing_of
from assets.equipment_requests.catalogue import Group, catalogue
from assets.equipment_requests.forms import THING_MAX
from assets.equipment_requests.knowing import ThingFacts, known
from assets.equipment_requests.lines import found_of
from assets.errors import Conflict, Invalid
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD, AttachmentOut, one_of
from assets.inventory.attachments.upload import received
from assets.settings import Settings
from assets.web.language import N_, choose
from assets.web.versions import with_version

AnyRequest = Request[Any, Any, Any]
NO_THING = N_("There is no such thing to ask for.")
Site = Annotated[str, Field(max_length=20)]
Words = Annotated[str, Field(max_length=200)]
ThingName = Annotated[str, Field(min_length=1, max_length=THING_MAX)]


class KnownThing(BaseModel):
    """A thing that can be asked for, as it was named, what it is called, and what is known of it."""

    thing: str
    name: str
    facts: ThingFacts


class KnownThings(BaseModel):
    """What is known of the things that were asked about, in their order."""

    site: str
    things: list[KnownThing]


class CatalogueOut(BaseModel):
    """What a centre can ask for, in groups; what it lacks or uses itself comes first."""

    site: str
    groups: list[Group]


class PhotoIn(BaseModel):
    """The form that brings a photo."""

    file: Annotated[bytes, Field(description="JPEG, PNG or WebP; told by its content")]


@get("/api/v1/equipment-request-catalogue", operation_id="getEquipmentRequestCatalogue",
     guards=[requires(Action.REQUEST_EQUIPMENT)])  # fmt: skip
async def get_catalogue(
    request: AnyRequest, actor: NamedDependency[Actor], site: FromQuery[Site] = "", q: FromQuery[Words] = ""
) -> CatalogueOut:
    """What the caller's centre, or this one, can ask for; without either, what any centre can."""
    async with transaction(actor.scope) as tx:
        row = await service.asking_site(tx, actor, site) if site or actor.home_site else None
        groups = await catalogue(tx, row["id"] if row else None, q, choose(request), clock.today())
    return CatalogueOut(site=row["code"] if row else "", groups=groups)


@get("/api/v1/equipment-request-facts", operation_id="getFactsOfThings", guards=[requires(Action.REQUEST_EQUIPMENT)])
async def get_facts_of_things(
    request: AnyRequest, actor: NamedDependency[Actor],
    thing: FromQuery[Annotated[list[ThingName], Field(min_length=1, max_length=LINES_MAX)]], site: FromQuery[Site] = "",
) -> KnownThings:  # fmt: skip
    """What is known of things before they are asked for: what the centre has and lacks, faults, stock, open requests."""
    language = choose(request)
    asked = [of_thing(name) for name in thing]
    async with transaction(actor.scope) as tx:
        try:
            row = await service.asking_site(tx, actor, site)
        except Invalid as error:
            raise Invalid(fields={**error.fields, **({} if all(asked) else {"thing": NO_THING})}) from None
        lines = await found_of(tx, row["id"], [one or Asked() for one in asked])
        there = [line for line in lines if line]
        if len(there) < len(lines):
            raise Invalid(fields={"thing": NO_THING})
        facts = await known(tx, row["id"], [thing_of(line) for line in there], language, clock.now())
    return KnownThings(
        site=row["code"],
        things=[
            KnownThing(thing=name, name=(line.name_en if language == "en" else "") or line.name, facts=fact)
            for name, line, fact in zip(thing, there, facts, strict=True)
        ],
    )  # fmt: skip


@post("/api/v1/equipment-requests/{ref:str}/photos", operation_id="addEquipmentRequestPhoto",
      guards=[requires(Action.REQUEST_EQUIPMENT)], request_max_body_size=BODY_MAX, opt=UPLOAD | {"form": PhotoIn})  # fmt: skip
async def add_photo(
    request: AnyRequest, ref: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[AttachmentOut]:
    """Put a photo on a request that is not settled yet. Sent again, it is there once."""
    async with transaction(actor.scope) as tx:
        detail = await queries.one(tx, actor, ref, choose(request))
    if not may_attach(actor, detail):
        raise Conflict(service.SETTLED, state=detail.state)
    async with received(request, settings.attachment_mb * MB) as sent:
        if strange := sorted(sent.fields):
            raise Invalid(fields=dict.fromkeys((name[:60] for name in strange), N_("There is no such field.")))
        made = await attachments.attach(
            actor, service.KIND, str(detail.id), sent, now=clock.now(), by=Action.REQUEST_EQUIPMENT, pictures=True
        )
    return with_version(await one_of(actor, made))


routes: Sequence[ControllerRouterHandler] = (get_catalogue, get_facts_of_things, add_photo)
