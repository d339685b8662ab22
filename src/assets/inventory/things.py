"""The verbs for what stands beside assets: categories, models, links, applications, capabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record, shown
from assets.clock import now
from assets.db import transaction
from assets.ids import new_id
from assets.inventory.batches.planning import Wanted
from assets.inventory.batches.service import kind_for
from assets.inventory.batches.writing import change_one
from assets.inventory.categories import CATEGORIES
from assets.inventory.kinds import APPLICATIONS, CAPABILITIES, LINKS, MODELS, Kind


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
    expected_months: int | None = None
    note: str = ""


async def add_model(actor: Actor, new: NewModel) -> UUID:
    """Add a model; Invalid when the category is not known, Conflict when the model is there."""
    return await _add(actor, MODELS, vars(new))


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
    near_end: str = ""
    far_end: str = ""
    contract_number: str = ""
    contract_until: date | None = None
    monthly_cost: int | None = None
    wan_router: str = ""
    wan_interface: str = ""
    budget_mb_per_day: int | None = None
    note: str = ""


async def add_link(actor: Actor, new: NewLink) -> UUID:
    """Add a line; Conflict when the tag is in use, NotFound when the site is not the actor's."""
    return await _add(actor, LINKS, vars(new))


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
    return await _add(actor, APPLICATIONS, vars(new) | {"code": new.code.lower()})


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
    note: str = ""


async def add_capability(actor: Actor, new: NewCapability) -> UUID:
    """Add a capability; Invalid when its application is not known, Conflict when the holder has it already."""
    return await _add(actor, CAPABILITIES, vars(new))


async def _add(actor: Actor, kind: Kind, cells: Mapping[str, Any]) -> UUID:
    actor = actor.require(Action.EDIT_INVENTORY)
    kind_for(actor, kind.resource)
    async with transaction(actor.scope) as tx:
        return await change_one(tx, actor, kind.resource, Wanted(cells), now=now(), add=True)
