"""Kinds of equipment, and the fields that the province gives its assets, over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory import custom_fields
from assets.inventory.custom_fields import CHOICES_MAX
from assets.inventory.values import Type
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Name = Annotated[str, Field(min_length=1, max_length=120)]
Order = Annotated[int, Field(ge=0, le=10_000)]
FieldKind = Literal["text", "integer", "money", "date", "boolean", "choice"]
Serves = Literal["", "computer", "printer", "network"]
Choices = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=CHOICES_MAX)]


class CategoryOut(BaseModel):
    """A kind of equipment; `serves` is the need of a centre that it meets."""

    id: UUID
    code: str
    name: str
    name_en: str
    serves: str
    sort: int
    version: int


class CategoryIn(BaseModel):
    """A kind of equipment to add."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Name
    name_en: Annotated[str, Field(max_length=120)] = ""
    serves: Serves = ""
    sort: Order = 1000


class CategoryChange(BaseModel):
    """What to change of a kind of equipment; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    name_en: Annotated[str, Field(max_length=120)] | None = None
    serves: Serves | None = None
    sort: Order | None = None


class CustomFieldOut(BaseModel):
    """A field of the province's own; without a category all assets have it. A deprecated one takes no new values."""

    id: UUID
    code: str
    category: str | None
    name: str
    name_en: str
    kind: str
    choices: list[str]
    required: bool
    deprecated: bool
    sort: int
    version: int


class CustomFieldIn(BaseModel):
    """A field to add; what it holds cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Name
    kind: FieldKind
    category: Annotated[str, Field(max_length=40)] = ""
    name_en: Annotated[str, Field(max_length=120)] = ""
    choices: Choices = []
    required: bool = False
    sort: Order = 0


class CustomFieldChange(BaseModel):
    """What to change of a field; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    name_en: Annotated[str, Field(max_length=120)] | None = None
    choices: Choices | None = None
    required: bool | None = None
    deprecated: bool | None = None
    sort: Order | None = None


CATEGORIES = Listing(
    select="c.*", source="asset_categories c", key="c.id",
    columns={
        "code": Column("c.code"), "name": Column("c.name"), "serves": Column("c.serves"), "sort": Column("c.sort", "smallint"),
    },
    sort="sort", search=(folded("c.code"), folded("c.name"), folded("c.name_en")),
)  # fmt: skip
FIELDS = Listing(
    select="f.*, c.code as category_code",
    source="custom_fields f left join asset_categories c on c.id = f.category", key="f.id",
    columns={
        "code": Column("f.code"), "category": Column("c.code"), "kind": Column("f.kind", choices=custom_fields.KINDS),
        "deprecated": Column("f.deprecated", "boolean"), "sort": Column("f.sort", "smallint"),
    },
    sort="sort", search=(folded("f.code"), folded("f.name"), folded("f.name_en")),
)  # fmt: skip


category_out = from_row(CategoryOut)


field_out = from_row(CustomFieldOut, category="category_code")


def _said(change: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None}


class Categories(Controller):
    """Kinds of equipment: the province adds and names them as it likes."""

    path = "/api/v1/asset-categories"
    tags = ("inventory",)

    @get(operation_id="listAssetCategories", guards=[requires(Action.VIEW)], **listed(CATEGORIES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CategoryOut]:
        """Kinds of equipment in their order."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, CATEGORIES, asked, category_out)

    @post(operation_id="addAssetCategory", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[CategoryIn], actor: NamedDependency[Actor]) -> Response[CategoryOut]:
        """Add a kind of equipment."""
        made = await custom_fields.add_category(actor, custom_fields.NewCategory(**data.model_dump()))
        return await _category(actor, made)

    @get("/{category:uuid}", operation_id="getAssetCategory", guards=[requires(Action.VIEW)])
    async def one(self, category: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[CategoryOut]:
        """One kind of equipment."""
        return await _category(actor, category)

    @patch(
        "/{category:uuid}", operation_id="editAssetCategory", guards=[requires(Action.EDIT_INVENTORY, province=True)]
    )
    async def edit(
        self, category: FromPath[UUID], data: JSONBody[CategoryChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[CategoryOut]:  # fmt: skip
        """Change a kind of equipment that is still as the caller read it."""
        await custom_fields.edit_category(actor, category, _said(data), version=version_of(if_match))
        return await _category(actor, category)


async def _category(actor: Actor, category: UUID) -> Response[CategoryOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, CATEGORIES, ListQuery(limit=1), category_out, where=[("c.id = {}", [category])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class CustomFields(Controller):
    """Fields that assets have beside the built-in ones: in `custom` of an asset, filtered by as `custom.CODE`."""

    path = "/api/v1/custom-fields"
    tags = ("inventory",)

    @get(operation_id="listCustomFields", guards=[requires(Action.VIEW)], **listed(FIELDS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CustomFieldOut]:
        """Fields in their order."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, FIELDS, asked, field_out)

    @post(operation_id="addCustomField", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[CustomFieldIn], actor: NamedDependency[Actor]) -> Response[CustomFieldOut]:
        """Add a field to a kind of equipment, or to all."""
        said = data.model_dump() | {"kind": Type(data.kind)}
        return await _field(actor, await custom_fields.add_field(actor, custom_fields.NewField(**said)))

    @get("/{field:uuid}", operation_id="getCustomField", guards=[requires(Action.VIEW)])
    async def one(self, field: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[CustomFieldOut]:
        """One field."""
        return await _field(actor, field)

    @patch("/{field:uuid}", operation_id="editCustomField", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, field: FromPath[UUID], data: JSONBody[CustomFieldChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[CustomFieldOut]:  # fmt: skip
        """Change a field that is still as the caller read it; values that assets have stay."""
        await custom_fields.edit_field(actor, field, _said(data), version=version_of(if_match))
        return await _field(actor, field)


async def _field(actor: Actor, field: UUID) -> Response[CustomFieldOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, FIELDS, ListQuery(limit=1), field_out, where=[("f.id = {}", [field])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [Categories, CustomFields]
