"""The page on which a centre says that it takes files on paper, why, and when that is over: two taps each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Invalid
from assets.monitoring import declarations
from assets.monitoring.declarations import FILES_MAX, Kind, Said
from assets.places.api import one_site
from assets.web import words
from assets.web.forms import told
from assets.web.language import N_, choose, translate
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
SHOWN = 10


class PaperTime(BaseModel):
    """A time in which a centre worked on paper: why, who said so, until when (null: still), and how many files came in."""

    id: UUID
    text: str
    said_by: str
    said_at: datetime
    ended_at: datetime | None
    files_counted: int | None


class PaperMode(BaseModel):
    """Whether a centre works on paper now, and the times before."""

    code: str
    name: str
    now: PaperTime | None
    before: list[PaperTime]
    reasons: list[str]


_TIMES = """
    select id, text, said_by_name as said_by, said_at, ended_at, files_counted from declarations
    where site = $1 and kind = $2 order by said_at desc limit $3
"""


async def _show(
    request: AnyRequest, actor: Actor, code: str, errors: Mapping[str, str], given: Mapping[str, str], status: int = 200
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        site = await one_site(tx, actor, code)
        rows = await tx.fetch(_TIMES, site.id, Kind.PAPER_MODE, SHOWN)
    times = [PaperTime(**row) for row in rows]
    view = PaperMode(
        code=site.code, name=site.name, now=next((one for one in times if one.ended_at is None), None),
        before=[one for one in times if one.ended_at is not None], reasons=list(words.PAPER_REASON),
    )  # fmt: skip
    return show(
        request, "monitoring/paper_mode.html", view, errors=errors, given=given, status=status,
        may=actor.may(Action.DECLARE), files_max=FILES_MAX,
    )  # fmt: skip


@get(
    ["/sites/{code:str}/paper-mode", "/sites/{code:str}/paper-mode.json"], name="paper_mode",
    guards=[requires(Action.VIEW)], **twin(PaperMode, "paper_mode"),
)  # fmt: skip
async def paper_mode(request: AnyRequest, code: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """How a centre works now, and a button for each reason to work on paper."""
    return await _show(request, actor, code, {}, {})


@post("/sites/{code:str}/paper-mode", guards=[requires(Action.DECLARE)], include_in_schema=False)
async def begin(request: AnyRequest, code: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Say that the centre works on paper from now on."""
    reason, more = data.get("reason", ""), data.get("text", "").strip()
    said = translate(choose(request), words.PAPER_REASON[reason]) if reason in words.PAPER_REASON else ""
    if not said and not more:
        return await _show(request, actor, code, {"reason": N_("Please say why.")}, data, 400)
    text = f"{said}: {more}" if said and more else said or more
    try:
        await declarations.declare(actor, Said(code, Kind.PAPER_MODE, text=text), now=clock.now())
    except Invalid as error:
        return await _show(request, actor, code, told(error, "reason"), data, error.status)
    return _back(code)


@post("/sites/{code:str}/paper-mode/{declaration:uuid}/end", guards=[requires(Action.DECLARE)], include_in_schema=False)
async def end(
    request: AnyRequest, code: FromPath[str], declaration: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Say that it is over, and how many files came in on paper."""
    try:
        await declarations.end(actor, declaration, files_counted=_count(data.get("files_counted", "")), now=clock.now())
    except Invalid as error:
        return await _show(request, actor, code, dict(error.fields), data, error.status)
    return _back(code)


def _count(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Invalid(fields={"files_counted": declarations.WRONG_COUNT})
    return int(text)


def _back(code: str) -> Redirect:
    return Redirect(f"/sites/{quote(code, safe='')}/paper-mode", status_code=303)


routes: Sequence[ControllerRouterHandler] = [paper_mode, begin, end]
