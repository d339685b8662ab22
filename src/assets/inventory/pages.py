"""Pages of the register: the list of assets, and the form that registers or corrects one."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound
from assets.inventory import editing, kinds
from assets.inventory.api import ASSETS, AssetOut, asset_out
from assets.inventory.batches.planning import Wanted
from assets.inventory.batches.world import described
from assets.inventory.batches.writing import Refused, change_one
from assets.inventory.kinds import CUSTOM, Definition, Kind
from assets.inventory.saved_filters.pages import saved_for
from assets.inventory.values import Field, Type
from assets.web import words
from assets.web.forms import Choice
from assets.web.language import N_, choose, translate
from assets.web.paging import ListQuery, Page, fetch
from assets.web.templates import page, show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
NOT_ON_FORM = frozenset({"category"})  # it follows from the model
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("What it is"), ("tag", "name", "manufacturer", "model", "serial", "macs", "addresses")),
    (N_("Where it is"), ("site", "room", "stage", "physical_state", "custodian", "custodian_kind")),
    (
        N_("How it was bought"),
        ("supplier", "funding_source", "purchased_on", "original_cost", "put_into_use", "warranty_until", "national_code"),
    ),
    (N_("Note"), ("note",)),
)  # fmt: skip


class AssetList(Page[AssetOut]):
    """A page of the register, with what it can be narrowed to."""

    sites: list[Choice]
    categories: list[Choice]


class FieldOnForm(BaseModel):
    """A field of a form: how it is called, what it takes, what stands in it."""

    name: str
    label: str
    kind: str
    value: str
    required: bool
    fixed: bool
    limit: int
    choices: list[Choice]
    suggestions: list[str]


class Group(BaseModel):
    """Fields that belong together."""

    title: str
    fields: list[FieldOnForm]


class AssetForm(BaseModel):
    """The form of an asset; `version` is that of the asset as it was read, 0 of a new one."""

    tag: str
    version: int
    groups: list[Group]


async def _named(tx: Connection, language: str) -> dict[str, list[Choice]]:
    name = "name" if language == "vi" else "coalesce(nullif(name_en, ''), name)"
    sites = await tx.fetch("select code, name from sites order by sort, code")  # row-level security: the caller's
    kinds = await tx.fetch(f"select code, {name} as name from asset_categories order by sort, code")  # noqa: S608
    return {"sites": [Choice(**row) for row in sites], "categories": [Choice(**row) for row in kinds]}


async def _asked(request: AnyRequest) -> ListQuery:
    # A form sends its empty fields too; they ask for nothing.
    given = request.query_params
    kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
    return ListQuery.of(kept, await ASSETS.widened(kept))


@get(
    ["/assets", "/assets.json"], name="assets", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked)}, opt={"twin": (AssetList, "assets"), "listing": ASSETS},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """The assets of the caller's sites, narrowed by what is asked for."""
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, ASSETS, asked, asset_out, scope=actor.scope)
        view = AssetList(**dict(found), **await _named(tx, choose(request)))
    return show(
        request, "inventory/assets.html", view, query_text=asked.q, kept=asked.again(), sort=asked.sort,
        asked={f.column: [str(value) for value in f.values] for f in asked.filters},
        may_edit=actor.may(Action.EDIT_INVENTORY), saved=await saved_for(request, actor, "assets", asked.again()),
    )  # fmt: skip


@get(
    ["/assets/new", "/assets/new.json"], name="new_asset", guards=[requires(Action.EDIT_INVENTORY)],
    **twin(AssetForm, "new_asset", ("site",)),
)  # fmt: skip
async def new_form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a new asset."""
    return await _form(request, actor, "", 0, {"site": str(request.query_params.get("site") or "")}, {})


@post("/assets/new", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def add(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Register what the form says."""
    try:
        actor = actor.require(Action.EDIT_INVENTORY)
        async with transaction(actor.scope) as tx:
            await change_one(tx, actor, "assets", Wanted(_cells(data)), now=clock.now(), add=True)
    except (Invalid, Conflict, NotFound) as error:
        return await _form(request, actor, "", 0, data, errors_of(request, error), error.status)
    return Redirect(f"/assets/{data['tag'].strip().upper()}", status_code=303)


@get(
    ["/assets/{tag:str}/edit", "/assets/{tag:str}/edit.json"], name="edit_asset",
    guards=[requires(Action.EDIT_INVENTORY)], **twin(AssetForm, "edit_asset"),
)  # fmt: skip
async def edit_form(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form with what the register says of an asset."""
    found = await _present(actor, tag)
    return await _form(request, actor, found.tag, found.version, _written(found), {})


@post("/assets/{tag:str}/edit", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def change(request: AnyRequest, tag: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Change an asset that is still as the person saw it."""
    version = data.get("version", "")
    read = int(version) if version.isascii() and version.isdigit() and len(version) <= 9 else 0
    cells = {name: value for name, value in _cells(data).items() if name not in ("site", "stage")} | {"tag": tag}
    try:
        await editing.edit(actor, "assets", cells, version=read, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, tag.upper(), read, data, errors_of(request, error), error.status)
    return Redirect(f"/assets/{tag.upper()}", status_code=303)


def _cells(data: Mapping[str, str]) -> dict[str, str]:
    known = kinds.ASSETS.names - NOT_ON_FORM
    return {name: value for name, value in data.items() if name in known or name.startswith(CUSTOM)}


async def _present(actor: Actor, tag: str) -> AssetOut:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, ASSETS, ListQuery(limit=1), asset_out, scope=actor.scope,
            where=[("a.tag = {}", [tag.upper()])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return found.items[0]


def _written(asset: AssetOut) -> dict[str, str]:
    said = asset.model_dump(mode="json")
    own = {CUSTOM + code: value for code, value in said.pop("custom").items()}
    return {name: _text(value) for name, value in (said | own).items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def errors_of(request: AnyRequest, error: AssetsError) -> dict[str, str]:
    """One message a field, in the visitor's language; what is about no field stands on top."""
    chosen = choose(request)
    if isinstance(error, Refused):
        return {name: translate(chosen, reason.text, **reason.params) for name, reason in error.reasons.items()}
    if isinstance(error, Invalid):
        return {name: translate(chosen, text) for name, text in error.fields.items()}
    return {"": translate(chosen, error.detail)}


async def _form(
    request: AnyRequest, actor: Actor, tag: str, version: int, given: Mapping[str, str], errors: Mapping[str, str],
    status: int = 200,
) -> Response[Any]:  # fmt: skip
    chosen = choose(request)
    async with transaction(actor.scope) as tx:
        kind, own = await described(tx, "assets")
        sites = (await _named(tx, chosen))["sites"]
        makers = [
            row[0] for row in await tx.fetch("select distinct manufacturer from asset_models order by 1 limit 500")
        ]
        models = [row[0] for row in await tx.fetch("select distinct name from asset_models order by 1 limit 2000")]
    known = {"site": sites, "manufacturer": makers, "model": models}
    groups = [
        Group(
            title=translate(chosen, title),
            fields=[field_on_form(kind[name], given, tag, known, chosen) for name in names],
        )
        for title, names in GROUPS
    ]
    if own:
        fields = [
            own_field_on_form(kind, definition, given, chosen)
            for definition in own.values()
            if not definition.deprecated
        ]
        groups.insert(-1, Group(title=translate(chosen, N_("Fields of its own")), fields=fields))
    view = AssetForm(tag=tag, version=version, groups=[group for group in groups if group.fields])
    if request.scope["path"].endswith(".json"):
        return show(request, "inventory/asset_form.html", view)
    return page(request, "inventory/asset_form.html", view=view, errors=errors, status=status)


def field_on_form(
    one: Field, given: Mapping[str, str], tag: str, known: Mapping[str, Any], language: str
) -> FieldOnForm:
    choices = [Choice(code=code, name=translate(language, words.word(one.words, code))) for code in one.choices]
    if one.name == "site":
        choices = known["site"]
    value = given.get(one.name, "")
    return FieldOnForm(
        name=one.name, label=translate(language, words.field("assets", one.name)), kind=_input(one, choices),
        value=value or str(one.default or ""), required=one.required, limit=one.limit,
        fixed=bool(tag) and one.name in ("tag", "site", "stage"), choices=choices,
        suggestions=known.get(one.name, []) if one.name != "site" else [],
    )  # fmt: skip


def own_field_on_form(kind: Kind, definition: Definition, given: Mapping[str, str], language: str) -> FieldOnForm:
    one = kind[CUSTOM + definition.code]
    choices = [Choice(code=code, name=code) for code in definition.choices]
    if one.type is Type.BOOLEAN:
        choices = [
            Choice(code=code, name=translate(language, text))
            for code, text in (("true", N_("Yes")), ("false", N_("No")))
        ]
    label = definition.called(language)
    return FieldOnForm(
        name=one.name, label=label, kind=_input(one, choices), value=given.get(one.name, ""), required=definition.required,
        limit=one.limit, fixed=False, choices=choices, suggestions=[],
    )  # fmt: skip


def _input(one: Field, choices: Sequence[Choice]) -> str:
    if choices:
        return "select"
    return {Type.DATE: "date", Type.INTEGER: "number", Type.MONEY: "number"}.get(one.type, "text")


routes: Sequence[ControllerRouterHandler] = [listing, new_form, add, edit_form, change]
