"""The verbs for what stands beside assets: categories, models, links, applications, capabilities."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record, shown
from assets.db import transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.categories import CATEGORIES
from assets.inventory.service import refuse_used
from assets.text import clean, fold


async def add_default_categories(actor: Actor) -> int:
    """The shipped kinds of equipment, where there are none at all; answers how many were added."""
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select exists(select 1 from asset_categories)"):
            return 0
        for number, c in enumerate(CATEGORIES, start=1):
            made = await tx.fetchrow(
                "insert into asset_categories (id, code, name, name_en, serves, sort, version) "
                "values ($1,$2,$3,$4,$5,$6,1) returning *", new_id(), c.code, c.name, c.name_en, c.serves, number,
            )  # fmt: skip
            await record(
                tx, by=actor, action="add", kind="asset_category", subject=made["id"], name=c.code, after=shown(made)
            )
        return len(CATEGORIES)


@dataclass(frozen=True)
class NewModel:
    """A maker's model; `profile` is the probe profile that its assets are asked with, empty to find out."""

    category: str
    manufacturer: str
    name: str
    profile: str = ""


async def add_model(actor: Actor, new: NewModel) -> UUID:
    """Add a model; Invalid when the category is not known, Conflict when the model is there."""
    actor = actor.require(Action.EDIT_INVENTORY)
    maker, name = clean(new.manufacturer, 80), clean(new.name, 120)
    async with transaction(actor.scope) as tx:
        category = await tx.fetchval("select id from asset_categories where code = $1", new.category)
        if category is None:
            raise Invalid(fields={"category": "there is no such category"})
        if await tx.fetchval("select 1 from asset_models where manufacturer = $1 and name = $2", maker, name):
            raise Conflict(f"There is already a model {maker} {name}.")
        model = new_id()
        made = await tx.fetchrow(
            "insert into asset_models (id, category, manufacturer, name, profile, search, version) "
            "values ($1,$2,$3,$4,$5,$6,1) returning *",
            model, category, maker, name, clean(new.profile, 60), fold(f"{maker} {name}"),
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="asset_model", subject=model, name=f"{maker} {name}", after=shown(made)
        )
        return model


@dataclass(frozen=True)
class NewLink:
    """A network line of a site."""

    tag: str
    site: str
    kind: str
    carrier: str
    circuit_number: str = ""
    bandwidth_mbps: int | None = None
    is_primary: bool = True
    hotline: str = ""


async def add_link(actor: Actor, new: NewLink) -> UUID:
    """Add a line; Conflict when the tag is in use, NotFound when the site is not the actor's."""
    actor = actor.require(Action.EDIT_INVENTORY)
    tag = clean(new.tag, 40).upper()
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select id from sites where code = $1", new.site)
        if site is None or not actor.scope.sees(site):
            raise NotFound("There is no such site.")
        await refuse_used(tx, "links", tag)
        link = new_id()
        made = await tx.fetchrow(
            "insert into links (id, site, tag, kind, carrier, circuit_number, bandwidth_mbps, is_primary, hotline, search, "
            "version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,1) returning *",
            link, site, tag, new.kind, clean(new.carrier, 60), clean(new.circuit_number, 60), new.bandwidth_mbps,
            new.is_primary, clean(new.hotline, 40), fold(f"{tag} {new.carrier} {new.circuit_number}"),
        )  # fmt: skip
        await record(tx, by=actor, action="add", kind="link", subject=link, name=tag, site=site, after=shown(made))
        return link


@dataclass(frozen=True)
class NewApplication:
    """A system that centres work with."""

    code: str
    name: str
    name_en: str = ""
    owner_office: str = ""
    web_address: str = ""
    needs_account: bool = True


async def add_application(actor: Actor, new: NewApplication) -> UUID:
    """Add an application; Conflict when its code is in use."""
    actor = actor.require(Action.EDIT_INVENTORY)
    code = clean(new.code, 40).lower()
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select 1 from applications where code = $1", code):
            raise Conflict(f"There is already an application {code}.")
        application = new_id()
        made = await tx.fetchrow(
            "insert into applications (id, code, name, name_en, owner_office, web_address, needs_account, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,1) returning *",
            application, code, clean(new.name, 160), clean(new.name_en, 160), clean(new.owner_office, 160),
            clean(new.web_address), new.needs_account,
        )  # fmt: skip
        await record(tx, by=actor, action="add", kind="application", subject=application, name=code, after=shown(made))
        return application


@dataclass(frozen=True)
class NewCapability:
    """An account, token or other capability of a site, and whether it has it."""

    site: str
    kind: str
    title: str
    status: str
    application: str = ""
    holder_post: str = ""
    since: date | None = None
    expires_on: date | None = None


async def add_capability(actor: Actor, new: NewCapability) -> UUID:
    """Add a capability; Invalid when its application is not known."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select id from sites where code = $1", new.site)
        if site is None or not actor.scope.sees(site):
            raise NotFound("There is no such site.")
        application = await tx.fetchval("select id from applications where code = $1", new.application)
        if new.application and application is None:
            raise Invalid(fields={"application": "there is no such application"})
        capability = new_id()
        made = await tx.fetchrow(
            "insert into capabilities (id, site, application, kind, title, holder_post, status, since, expires_on, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,1) returning *",
            capability, site, application, new.kind, clean(new.title, 160), clean(new.holder_post, 120), new.status,
            new.since, new.expires_on,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="capability", subject=capability, name=made["title"], site=site,
            after=shown(made),
        )  # fmt: skip
        return capability
