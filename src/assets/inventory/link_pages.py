"""The form of a network line: what it carries, where it ends, and what watching may cost it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.errors import Invalid
from assets.inventory import editing
from assets.inventory.things_api import one_link_of
from assets.web.forms import Typed
from assets.web.templates import page

AnyRequest = Request[Any, Any, Any]
FIELDS = (
    "carrier", "circuit_number", "bandwidth_mbps", "hotline", "wan_router", "wan_interface", "budget_mb_per_day", "note",
)  # fmt: skip


@get("/links/{tag:str}/edit", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def form(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form, as the line is."""
    shown = await one_link_of(actor, tag)
    given = {name: str(value) if (value := getattr(shown, name)) is not None else "" for name in (*FIELDS, "version")}
    return await _form(request, actor, tag, given)


async def _form(
    request: AnyRequest, actor: Actor, tag: str, given: Mapping[str, str], errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response[Any]:  # fmt: skip
    shown = await one_link_of(actor, tag)
    return page(request, "probes/link_form.html", status=status, link=shown, given=given, errors=errors or {})


@post("/links/{tag:str}/edit", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def edit(
    request: AnyRequest, tag: FromPath[str], data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Change it as the form says."""
    given = {name: data.get(name, "").strip() for name in (*FIELDS, "version")}
    cells = {"tag": tag.upper(), **{name: given[name] for name in FIELDS}}
    await one_link_of(actor, tag)
    try:
        await editing.edit(actor, "links", cells, version=Typed(given).version(), now=clock.now())
    except Invalid as error:
        return await _form(request, actor, tag, given, error.fields, error.status)
    return Redirect(f"/links/{quote(tag.upper(), safe='')}", status_code=303)


routes: Sequence[ControllerRouterHandler] = [form, edit]
