"""The page that changes one field of all assets that a list shows: a preview first, undone as one afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import AssetsError, Invalid
from assets.inventory.api import ASSETS, AssetOut, asset_out
from assets.inventory.batches import service
from assets.inventory.batches.api import BulkEditIn, wanted_rows
from assets.inventory.batches.spelling import Spelling
from assets.inventory.batches.world import described
from assets.inventory.kinds import CUSTOM
from assets.inventory.lifecycle import Stage
from assets.inventory.pages import FieldOnForm, errors_of, field_on_form, own_field_on_form
from assets.inventory.values import Field, Wrong, read
from assets.phrases import Phrase
from assets.web import words
from assets.web.forms import Choice
from assets.web.language import N_, choose, translate
from assets.web.paging import PAGED, ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
# What tells one asset from another, or follows from it, is not the same for many; a site is reached by a transfer.
FIELDS = (
    "room", "physical_state", "stage", "custodian", "custodian_kind", "name", "supplier", "funding_source", "purchased_on",
    "original_cost", "put_into_use", "warranty_until", "note",
)  # fmt: skip
# These ask for a transfer, a borrower or a decision, for each asset alone.
NO_LIST_TO = (Stage.IN_TRANSIT, Stage.LOANED, Stage.DISPOSED)
FIELD, VALUE, CLEAR = "field", "value", "clear"
NOT_A_FILTER = frozenset({FIELD, VALUE, CLEAR, "sort", *PAGED})


class ChangeMany(Page[AssetOut]):
    """The assets that are meant and how they were chosen, the fields to choose from, and the one that was."""

    chosen_by: dict[str, list[str]]
    fields: list[Choice]
    field: FieldOnForm | None


def _filter(given: Any) -> dict[str, list[str]]:
    return {
        name: values for name in given if name not in NOT_A_FILTER and (values := [v for v in given.getall(name) if v])
    }


async def _show(
    request: AnyRequest, actor: Actor, chosen_by: Mapping[str, list[str]], name: str, value: str,
    errors: Mapping[str, str], status: int = 200,
) -> Response[Any]:  # fmt: skip
    language = choose(request)
    paged = {name: given for name in PAGED if (given := request.query_params.getall(name, []))}
    asked = ListQuery.of({**chosen_by, **paged}, await ASSETS.widened(chosen_by))
    async with transaction(actor.scope) as tx:
        kind, own = await described(tx, "assets")
        found = await fetch(tx, ASSETS, asked, asset_out, scope=actor.scope)
    fields = [Choice(code=one, name=translate(language, words.field("assets", one))) for one in FIELDS]
    mine = {CUSTOM + code: definition for code, definition in own.items() if not definition.deprecated}
    fields += [Choice(code=code, name=definition.called(language)) for code, definition in mine.items()]
    chosen = None
    if name in mine:
        chosen = own_field_on_form(kind, mine[name], {name: value}, language)
    elif name in FIELDS:
        chosen = field_on_form(kind[name], {name: value}, "", {}, language)
        if name == "stage":
            chosen.choices = [one for one in chosen.choices if one.code not in NO_LIST_TO]
    elif name:
        raise Invalid(fields={FIELD: f"One of: {', '.join(one.code for one in fields)}."})
    view = ChangeMany(**dict(found), chosen_by=dict(chosen_by), fields=fields, field=chosen)
    clearable = bool(chosen) and _clearable(kind[name])
    return show(request, "inventory/change_many.html", view, errors=errors, status=status, clearable=clearable)


def _clearable(field: Field) -> bool:
    return not field.required and field.default is None  # a stage is always one of its own


@get(
    ["/assets/change", "/assets/change.json"], name="change_many", guards=[requires(Action.EDIT_INVENTORY)],
    include_in_schema=False, opt={"twin": (ChangeMany, "change_many"), "listing": ASSETS, "query": (FIELD,)},
)  # fmt: skip
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Choose a field of the assets that the query chooses, then its value."""
    name = str(request.query_params.get(FIELD) or "")
    return await _show(request, actor, _filter(request.query_params), name, "", {})


@post("/assets/change", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def plan(
    request: AnyRequest, data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Plan the change; what it would do is shown before it is done."""
    sent = await request.form()
    chosen_by, name, value = _filter(sent), data.get(FIELD, ""), data.get(VALUE, "")
    try:
        changes = {"custom": {name.removeprefix(CUSTOM): value}} if name.startswith(CUSTOM) else {name: value}
        if name not in FIELDS and not name.startswith(CUSTOM):
            raise Invalid(fields={FIELD: N_("Please choose one of the list.")})
        title = await _checked(actor, name, value, cleared=data.get(CLEAR) == "1", language=choose(request))
        # The list itself refuses a filter that it does not know; whoever types into an address is told as on any list.
        edit = BulkEditIn.model_construct(resource="assets", filter=dict(chosen_by), changes=changes)
        rows = await wanted_rows(actor, edit)
        if not rows:
            raise Invalid(fields={FIELD: N_("No asset fits.")})
        number = await service.plan_rows(actor, "assets", rows, title=title, now=clock.now())
    except Wrong as wrong:
        said = {VALUE: translate(choose(request), wrong.reason.text, **wrong.reason.params)}
        return await _show(request, actor, chosen_by, name, value, said, 400)
    except Invalid as error:
        return await _again(request, actor, chosen_by, data, error)
    return Redirect(f"/imports/{number}", status_code=303)


async def _checked(actor: Actor, name: str, value: str, *, cleared: bool, language: str) -> str:
    """What the field is called; Wrong when it cannot have the value, or nothing was written and nothing is to be cleared."""
    async with transaction(actor.scope) as tx:
        kind, own = await described(tx, "assets")
    if name not in kind.names:
        raise Invalid(fields={FIELD: N_("Please choose one of the list.")})
    if bool(value.strip()) is cleared or (cleared and not _clearable(kind[name])):
        raise Wrong(Phrase(N_("Please fill this in, or say that it is to be cleared.")))
    read(kind[name], value)
    return Spelling(language, kind, own, ()).label(name)


async def _again(
    request: AnyRequest, actor: Actor, chosen_by: Mapping[str, list[str]], data: Mapping[str, str], error: AssetsError
) -> Response[Any]:
    name = data.get(FIELD, "")
    known = name if name in FIELDS or name.startswith(CUSTOM) else ""
    return await _show(request, actor, chosen_by, known, data.get(VALUE, ""), errors_of(request, error), error.status)


routes: Sequence[ControllerRouterHandler] = [form, plan]
