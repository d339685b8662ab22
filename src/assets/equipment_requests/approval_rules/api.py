"""The rules of approval over HTTP: steps, what holds for all requests, what things are expected to cost."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests.approval_rules import service, steps
from assets.equipment_requests.approval_rules.service import NewCost, NewStep
from assets.equipment_requests.approvals import Place
from assets.errors import NotFound
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.versions import IfMatch, version_of, with_version

Name = Annotated[str, Field(min_length=1, max_length=service.NAME_MAX)]
Roles = Annotated[list[Annotated[str, Field(max_length=20)]], Field(min_length=1, max_length=len(service.DECIDERS))]
Kinds = Annotated[list[Literal["equipment", "consumable", "capability", "repair"]], Field(max_length=4)]
Money = Annotated[int, Field(ge=0, le=service.MONEY_MAX)]
Hours = Annotated[int, Field(ge=1, le=service.HOURS_MAX)]
Position = Annotated[int, Field(ge=1, le=service.POSITION_MAX)]


class ApprovalRuleOut(BaseModel):
    """A step of approval as the province has set it."""

    id: UUID
    position: int
    name: str
    name_en: str
    roles: list[str]
    place: str
    from_value: int | None
    if_unknown: bool
    kinds: list[str]
    hours: int
    version: int


class ApprovalRuleIn(BaseModel):
    """A step to add; it concerns requests that are sent from now on."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    name_en: Annotated[str, Field(max_length=service.NAME_MAX)] = ""
    position: Position = 1
    roles: Roles
    place: Place = Place.ANY
    from_value: Money | None = None
    if_unknown: bool = True
    kinds: Kinds = []
    hours: Hours = 16


class ApprovalRuleChange(BaseModel):
    """What to change of a step; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name = ""
    name_en: Annotated[str, Field(max_length=service.NAME_MAX)] = ""
    position: Position = 1
    roles: Roles = []
    place: Place = Place.ANY
    from_value: Money | None = None
    if_unknown: bool = True
    kinds: Kinds = []
    hours: Hours = 16


class ApprovalSettingsOut(BaseModel):
    """What holds for the approval of all requests."""

    same_person: bool
    cost_source: str
    seat: str
    fulfil_hours: int
    version: int


class ApprovalSettingsChange(BaseModel):
    """What to change of it; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    same_person: bool = False
    cost_source: steps.CostSource = steps.CostSource.NONE
    seat: Annotated[str, Field(max_length=5)] = ""
    fulfil_hours: Annotated[int, Field(ge=1, le=service.FULFIL_HOURS_MAX)] = 40


class CategoryCostOut(BaseModel):
    """What one thing of a kind is expected to cost; version 0 where nothing is written down."""

    category: str
    name: str
    name_en: str
    unit_cost: int | None
    version: int


class CategoryCostChange(BaseModel):
    """What one thing of the kind is expected to cost from now on."""

    model_config = ConfigDict(extra="forbid")
    unit_cost: Money | None


STEPS = Listing(
    select="p.*", source="approval_steps p", key="p.id",
    columns={
        "position": Column("p.position", "integer"), "name": Column("p.name"),
        "from_value": Column("p.from_value", "bigint"), "hours": Column("p.hours", "integer"),
    },
    sort="position",
    search=(folded("p.name"), folded("p.name_en")),
)  # fmt: skip
COSTS = Listing(
    select="c.code, c.name, c.name_en, c.sort, k.unit_cost, coalesce(k.version, 0) as version",
    source="asset_categories c left join category_costs k on k.category = c.id", key="c.id",
    columns={
        "category": Column("c.code"), "name": Column("c.name"), "unit_cost": Column("k.unit_cost", "bigint"),
        "order": Column("c.sort", "integer", filterable=False),
    },
    sort="order",
    search=(folded("c.name"), folded("c.name_en"), "lower(c.code)"),
)  # fmt: skip


def step_out(row: Mapping[str, Any]) -> ApprovalRuleOut:
    """A row of STEPS."""
    rule = steps.rule_of(row)
    return ApprovalRuleOut(
        id=rule.id, position=rule.position, name=rule.name, name_en=rule.name_en, roles=sorted(rule.roles),
        place=rule.place, from_value=rule.from_value, if_unknown=rule.if_unknown, kinds=sorted(rule.kinds),
        hours=rule.hours, version=row["version"],
    )  # fmt: skip


def cost_out(row: Mapping[str, Any]) -> CategoryCostOut:
    """A row of COSTS."""
    same = {field: row[field] for field in ("name", "name_en", "unit_cost", "version")}
    return CategoryCostOut(category=row["code"], **same)


def settings_out(found: steps.Settings) -> ApprovalSettingsOut:
    """What is set, as the API has it."""
    return ApprovalSettingsOut(
        same_person=found.same_person, cost_source=found.cost_source, seat=found.seat, fulfil_hours=found.fulfil_hours,
        version=found.version,
    )  # fmt: skip


class ApprovalSteps(Controller):
    """The steps that requests have to pass."""

    path = "/api/v1/approval-steps"
    tags = ("equipment requests",)

    @get(operation_id="listApprovalSteps", guards=[requires(Action.VIEW_REQUESTS)], **listed(STEPS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ApprovalRuleOut]:
        """The steps in their order; where there is none, whoever may decide does so at once."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, STEPS, asked, step_out)

    @get("/{step:uuid}", operation_id="getApprovalStep", guards=[requires(Action.VIEW_REQUESTS)])
    async def one(self, step: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[ApprovalRuleOut]:
        """One step."""
        return await _step(actor, step)

    @post(operation_id="addApprovalStep", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def add(self, data: JSONBody[ApprovalRuleIn], actor: NamedDependency[Actor]) -> Response[ApprovalRuleOut]:
        """Add a step; it concerns requests that are sent from now on."""
        values = {**data.model_dump(), "roles": tuple(data.roles), "kinds": tuple(data.kinds)}
        found = await _step(actor, await service.add_step(actor, NewStep(**values)))
        found.status_code = 201
        return found

    @patch("/{step:uuid}", operation_id="editApprovalStep", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def edit(
        self, step: FromPath[UUID], data: JSONBody[ApprovalRuleChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[ApprovalRuleOut]:  # fmt: skip
        """Change a step; requests that are under way keep those that they were sent with."""
        changes = data.model_dump(exclude_unset=True)
        await service.edit_step(actor, step, changes, version=version_of(if_match))
        return await _step(actor, step)

    @delete("/{step:uuid}", operation_id="removeApprovalStep", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def remove(self, step: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a step; the last one stays."""
        await service.remove_step(actor, step, version=version_of(if_match))


async def _step(actor: Actor, step: UUID) -> Response[ApprovalRuleOut]:
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from approval_steps where id = $1", step)
    if row is None:
        raise NotFound()
    return with_version(step_out(row))


class ApprovalSettings(Controller):
    """What holds for the approval of all requests."""

    path = "/api/v1/approval-settings"
    tags = ("equipment requests",)

    @get(operation_id="getApprovalSettings", guards=[requires(Action.VIEW_REQUESTS)])
    async def one(self, actor: NamedDependency[Actor]) -> Response[ApprovalSettingsOut]:
        """What is set, or the defaults at version 0."""
        return await _settings(actor)

    @patch(operation_id="editApprovalSettings", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def edit(
        self, data: JSONBody[ApprovalSettingsChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[ApprovalSettingsOut]:
        """Change it."""
        await service.set_settings(actor, data.model_dump(exclude_unset=True), version=version_of(if_match))
        return await _settings(actor)


async def _settings(actor: Actor) -> Response[ApprovalSettingsOut]:
    async with transaction(actor.scope) as tx:
        return with_version(settings_out(await steps.settings(tx)))


class CategoryCosts(Controller):
    """What things are expected to cost where a line of a request does not say."""

    path = "/api/v1/category-costs"
    tags = ("equipment requests",)

    @get(operation_id="listCategoryCosts", guards=[requires(Action.VIEW_REQUESTS)], **listed(COSTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CategoryCostOut]:
        """Every kind of equipment with its expected cost."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, COSTS, asked, cost_out)

    @get("/{category:str}", operation_id="getCategoryCost", guards=[requires(Action.VIEW_REQUESTS)])
    async def one(self, category: FromPath[str], actor: NamedDependency[Actor]) -> Response[CategoryCostOut]:
        """The expected cost of one kind."""
        return await _cost(actor, category)

    @patch("/{category:str}", operation_id="editCategoryCost", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, category: FromPath[str], data: JSONBody[CategoryCostChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[CategoryCostOut]:  # fmt: skip
        """Set it, or clear it with null; requests that were sent keep the value that they had."""
        await service.set_costs(actor, {category: NewCost(data.unit_cost, version_of(if_match))})
        return await _cost(actor, category)


async def _cost(actor: Actor, category: str) -> Response[CategoryCostOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, COSTS, ListQuery(limit=1), cost_out, where=[("c.code = {}", [category])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [ApprovalSteps, ApprovalSettings, CategoryCosts]
