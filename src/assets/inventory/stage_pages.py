"""Two forms of one asset: bring it to another stage, and let another one take its place."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

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
from assets.db import transaction
from assets.errors import AssetsError, Conflict, Invalid
from assets.inventory import replacement, service
from assets.inventory.api import AssetOut, one_asset
from assets.inventory.holding import TAKEN
from assets.inventory.lifecycle import Stage, Told, choices, inputs, refused
from assets.text import TEXT_MAX
from assets.web.forms import local_path
from assets.web.language import N_
from assets.web.templates import page, show, twin

AnyRequest = Request[Any, Any, Any]
CHOICES_MAX = 200  # assets in stock that the form offers; any other is written by its tag
DATE = N_("Please write a date as day/month/year.")
WHOLE_NUMBER = N_("Please write a whole number.")
MONEY_DIGITS_MAX = 13


class Possible(BaseModel):
    """A stage that an asset can be brought to, and what has to be and can be said with it."""

    stage: Stage
    required: list[str]
    optional: list[str]


class Impossible(BaseModel):
    """A stage that it cannot be brought to, and why."""

    stage: Stage
    why: str


class StageForm(BaseModel):
    """What an asset's next stages are."""

    asset: AssetOut
    possible: list[Possible]
    impossible: list[Impossible]


class Spare(BaseModel):
    """An asset in stock that could take the place."""

    tag: str
    name: str
    site: str


class ReplaceForm(BaseModel):
    """What becomes of the old asset, and which ones lie in stock, those of its own kind first."""

    asset: AssetOut
    possible: list[Possible]
    spares: list[Spare]


def _possible(stages: Sequence[Stage]) -> list[Possible]:
    return [
        Possible(stage=s, required=list(inputs(s).required), optional=list(inputs(s).optional)) for s in stages
    ]  # fmt: skip


@get(
    ["/assets/{tag:str}/stage", "/assets/{tag:str}/stage.json"], name="asset_stage",
    guards=[requires(Action.EDIT_INVENTORY)], **twin(StageForm, "asset_stage"),
)  # fmt: skip
async def stage_form(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The stages that an asset can be brought to, and why not to the others."""
    return await _stage(request, actor, tag, {})


@post("/assets/{tag:str}/stage", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def move(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Bring it to the stage that the form says."""
    given = _given(await request.form())
    try:
        await service.move_stage(actor, tag, _chosen(given), told=_told(given), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _stage(request, actor, tag, given, error)
    return _to(tag)


async def _stage(
    request: AnyRequest, actor: Actor, tag: str, given: Mapping[str, str], error: AssetsError | None = None
) -> Response[Any]:
    asset = await one_asset(actor, tag)
    present = Stage(asset.stage)
    why = {stage: refused(present, stage) for stage in Stage if stage is not present}
    view = StageForm(
        asset=asset, possible=_possible(choices(present)),
        impossible=[Impossible(stage=stage, why=text) for stage, text in why.items() if text],
    )  # fmt: skip
    return _answer(request, "inventory/stage.html", view, given, error)


@get(
    ["/assets/{tag:str}/replace", "/assets/{tag:str}/replace.json"], name="asset_replace",
    guards=[requires(Action.EDIT_INVENTORY)], **twin(ReplaceForm, "asset_replace"),
)  # fmt: skip
async def replace_form(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Which asset takes the place, and what becomes of the old one."""
    return await _replace(request, actor, tag, {})


@post("/assets/{tag:str}/replace", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def replace(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Let the other one take the place."""
    given = _given(await request.form())
    by = given.get("other") or given.get("by", "")
    try:
        if not by.strip():
            raise Invalid(fields={"by": N_("Choose which one takes the place.")})
        await replacement.replace(actor, tag, by, _chosen(given), _told(given), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _replace(request, actor, tag, given, error)
    return _to(by.strip())


async def _replace(
    request: AnyRequest, actor: Actor, tag: str, given: Mapping[str, str], error: AssetsError | None = None
) -> Response[Any]:
    asset = await one_asset(actor, tag)
    async with transaction(actor.scope) as tx:
        # Row-level security shows the actor's sites; those of the same kind and the same site first.
        rows = await tx.fetch(
            "select a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, s.name as site "  # noqa: S608
            "from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category "
            "join sites s on s.id = a.site where a.stage = 'in_stock' and a.physical_state <> 'broken' and a.tag <> $1 "
            f"and not {TAKEN} and ($4 or a.site = any($5::uuid[])) order by c.code <> $2, s.code <> $3, a.tag limit $6",
            asset.tag, asset.category, asset.site, actor.scope.everything, list(actor.scope.sites), CHOICES_MAX,
        )  # fmt: skip
    present = Stage(asset.stage)
    stages = [stage for stage in choices(present) if stage is not Stage.IN_USE]
    if present not in replacement.WITHOUT_PLACE and present is not Stage.IN_USE:
        stages = [present, *stages]
    view = ReplaceForm(asset=asset, possible=_possible(stages), spares=[Spare(**row) for row in rows])
    return _answer(request, "inventory/replace.html", view, given, error)


def _answer(
    request: AnyRequest, template: str, view: BaseModel, given: Mapping[str, str], error: AssetsError | None
) -> Response[Any]:
    if request.scope["path"].endswith(".json"):
        return show(request, template, view)
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    return page(
        request, template, status=error.status if error else 200, view=view, given=given, errors=errors,
        refused=(error.detail, error.facts) if error and not errors else None, reason_max=TEXT_MAX,
    )  # fmt: skip


def _given(form: Any) -> dict[str, str]:
    return {name: value for name in list(form)[:50] if isinstance(value := form[name], str)}


def _chosen(given: Mapping[str, str]) -> Stage:
    try:
        return Stage(given.get("stage", ""))
    except ValueError:
        raise Invalid(fields={"stage": N_("Please choose one of the list.")}) from None


def _told(given: Mapping[str, str]) -> Told:
    """What the fields say of the chosen stage; those of other stages stay out, whatever a browser sends with them."""
    asked = inputs(_chosen(given))
    said = {name: given.get(name, "").strip() for name in (*asked.required, *asked.optional)}
    wrong, due_back, quotation = {}, None, None
    if text := said.pop("due_back", ""):
        try:
            due_back = date.fromisoformat(text)
        except ValueError:
            wrong["due_back"] = DATE
    if text := said.pop("quotation", "").replace(".", "").replace(" ", ""):
        if text.isascii() and text.isdigit() and len(text) <= MONEY_DIGITS_MAX:
            quotation = int(text)
        else:
            wrong["quotation"] = WHOLE_NUMBER
    if wrong:
        raise Invalid(fields=wrong)
    return Told(**said, due_back=due_back, quotation=quotation)


def _to(tag: str) -> Response[Any]:
    return Redirect(local_path(f"/assets/{quote(tag.upper(), safe='')}"), status_code=303)


routes: Sequence[ControllerRouterHandler] = (stage_form, move, replace_form, replace)
