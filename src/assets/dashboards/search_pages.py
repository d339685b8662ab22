"""The search across everything, as a page and over the API: the same answer."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.dashboards.search import KINDS, LIMIT_DEFAULT, LIMIT_MAX, Found, search
from assets.web.paging import Q_MAX
from assets.web.templates import show

SearchKind = StrEnum("SearchKind", {name.replace("-", "_").upper(): name for name in KINDS})  # type: ignore[misc]
Words = Annotated[
    str,
    QueryParameter(
        max_length=Q_MAX,
        description="Words, all of which must be found in a thing or in its place; accents count where they are typed. "
        "Or a whole tag, serial number, code or number, or its beginning",
    ),
]
Kinds = Annotated[
    list[SearchKind] | None, QueryParameter(name="kind", max_items=len(KINDS), description="Only these kinds of things")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="Things of each kind, the best ones")]


@get("/api/v1/search", operation_id="search", guards=[requires(Action.VIEW)], tags=["search"])
async def search_api(
    actor: NamedDependency[Actor], q: Words = "", kinds: Kinds = None, limit: Limit = LIMIT_DEFAULT
) -> Found:
    """Things of all kinds that the caller may see, grouped by kind, the best finds first."""
    return await search(actor, q, kinds=kinds or (), limit=limit)


@get(
    ["/search", "/search.json"], name="search", guards=[requires(Action.VIEW)], include_in_schema=False,
    opt={"twin": (Found, "search"), "query": ("q", "kind", "limit")},
)  # fmt: skip
async def search_page(
    request: Request[Any, Any, Any], actor: NamedDependency[Actor], q: Words = "", kinds: Kinds = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response[Any]:  # fmt: skip
    """What was found, or what was looked through without finding anything."""
    view = await search(actor, q, kinds=kinds or (), limit=limit)
    return show(request, "dashboards/search.html", view, chosen=list(kinds or ()), limit=limit, limit_max=LIMIT_MAX)


routes: Sequence[ControllerRouterHandler] = [search_api, search_page]
