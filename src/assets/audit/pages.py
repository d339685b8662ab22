"""The audit trail for those who may look at it: who did what, what was before and after, why and from where."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.audit.api import EVENTS, AuditEventOut, event_out
from assets.audit.sealer import newest
from assets.audit.wording import ids, told
from assets.db import Connection, transaction
from assets.web import words
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
NAMES_MAX = 1_000


class SealOut(BaseModel):
    """The newest seal: all events up to it are part of the chain."""

    number: int
    sealed_at: datetime


class AuditPage(Page[AuditEventOut]):
    """Events, the newest first; `names` says what the ids in them stand for, where the reader may know it."""

    at: datetime
    seal: SealOut | None
    names: dict[str, str]


def _asked(request: AnyRequest) -> ListQuery:
    # A form sends its empty fields too; they ask for nothing.
    given = request.query_params
    kept = {name: [v for v in given.getall(name) if v] for name in given}
    return ListQuery.of({name: values for name, values in kept.items() if values}, EVENTS)


@get(
    ["/audit", "/audit.json"], name="audit", guards=[requires(Action.VIEW_AUDIT)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)},
    opt={"twin": (AuditPage, "audit"), "listing": EVENTS},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What was changed in the caller's scope, the newest first."""
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, EVENTS, asked, event_out, scope=actor.scope)
        head = await newest(tx)
        names = await names_of(tx, ids(v for event in found.items for v in (event.before, event.after)))
    view = AuditPage(
        **dict(found), at=clock.now(), names=names,
        seal=SealOut(number=head.number, sealed_at=head.sealed_at) if head else None,
    )  # fmt: skip
    language = choose(request)
    return show(
        request, "audit/list.html", view, query_text=asked.q,
        asked={f"{f.column}__{f.operator}" if f.operator else f.column: list(f.values) for f in asked.filters},
        kinds=words.AUDIT_KIND, kept=asked.again(),
        changes={e.id: told(e.subject_kind, e.before, e.after, names, language) for e in view.items},
    )  # fmt: skip


_NAMES = """
    select id, name from sites where id = any($1) union all select id, name from rooms where id = any($1)
    union all select id, name from administrative_units where id = any($1)
    union all select id, name from asset_categories where id = any($1)
    union all select id, manufacturer || ' ' || name from asset_models where id = any($1)
    union all select id, tag from assets where id = any($1) union all select id, tag from links where id = any($1)
    union all select id, name from applications where id = any($1)
    union all select id, name from targets where id = any($1) union all select id, name from channels where id = any($1)
    union all select id, name from collectors where id = any($1)
    union all select id, name from credentials where id = any($1)
    union all select id, coalesce(nullif(display_name, ''), name) from users where id = any($1)
"""


async def names_of(tx: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """What things are called, as far as the transaction's scope shows them."""
    rows = await tx.fetch(_NAMES, [UUID(text) for text in sorted(wanted)[:NAMES_MAX]])
    return {str(row["id"]): row["name"] for row in rows}


routes: Sequence[ControllerRouterHandler] = [listing]
