"""Pages of papers: what there is, what each is for, a picture of it, and for the province what stands on it."""

from collections.abc import Mapping, Sequence
from typing import Any

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
from assets.errors import AssetsError, Conflict, Invalid
from assets.inventory.attachments.upload import FILE, received
from assets.inventory.paper_forms import service
from assets.inventory.paper_forms.api import (
    BODY_MAX,
    EDITS,
    PICTURE,
    UPLOAD,
    PaperFormOut,
    form_out,
    forms_of,
    picture,
)
from assets.inventory.paper_forms.service import BLOCK_MAX, ONE_LINE, ONE_LINE_MAX, paper_of
from assets.papers.defaults import UNUSED
from assets.papers.kinds import FIELDS
from assets.papers.samples import SAMPLES
from assets.papers.templates import TEMPLATE_MAX, values_of
from assets.web.forms import Typed, told
from assets.web.language import choose
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
DONE = ("saved", "put", "removed")


class PapersPage(BaseModel):
    """All papers."""

    items: list[PaperFormOut]


class PaperPage(PaperFormOut):
    """One paper; `names` are those that its own template can use."""

    names: list[str]


@get(["/papers", "/papers.json"], name="papers", guards=[requires(Action.VIEW)], **twin(PapersPage, "papers"))
async def listing(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The papers that can be printed."""
    async with transaction(actor.scope) as tx:
        view = PapersPage(items=await forms_of(tx, choose(request)))
    return show(request, "papers/list.html", view)


@get("/papers/{paper:str}", guards=[requires(Action.VIEW)], **twin(PaperPage, "paper", ("done",)))
async def one(request: AnyRequest, paper: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One paper: a sample, and what is set of it."""
    return await _one(request, actor, without_suffix(paper))


@get("/papers/{paper:str}/sample.png", guards=[requires(Action.VIEW)], include_in_schema=False, media_type=PICTURE,
     opt={"packed": True})  # fmt: skip
async def sample(paper: FromPath[str], actor: NamedDependency[Actor]) -> Response[bytes]:
    """The first page of a sample, as its form is now."""
    return Response(
        await picture(actor, paper_of(paper)), media_type=PICTURE, headers={"Cache-Control": "private, no-cache"}
    )


@post("/papers/{paper:str}/edit", guards=[EDITS], include_in_schema=False)
async def edit(request: AnyRequest, paper: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Change what stands on a paper."""
    changes = {name: data[name] for name in FIELDS if name in data}
    try:
        await service.edit(actor, paper_of(paper), changes, version=Typed(data).version(), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _one(request, actor, paper, error, data)
    return Redirect(f"/papers/{paper_of(paper)}?done=saved", status_code=303)


@post(
    "/papers/{paper:str}/template", guards=[EDITS], include_in_schema=False, request_max_body_size=BODY_MAX, opt=UPLOAD
)
async def put_template(request: AnyRequest, paper: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Put an own template in the place of the usual layout."""
    try:
        async with received(request, TEMPLATE_MAX) as sent:
            content, version = sent.file.read(), Typed(sent.fields).version()
        await service.put_template(actor, paper_of(paper), sent.name, content, version=version, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _one(request, actor, paper, error)
    return Redirect(f"/papers/{paper_of(paper)}?done=put", status_code=303)


@post("/papers/{paper:str}/template/remove", guards=[EDITS], include_in_schema=False)
async def remove_template(
    request: AnyRequest, paper: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Take the own template out."""
    try:
        await service.remove_template(actor, paper_of(paper), version=Typed(data).version(), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _one(request, actor, paper, error)
    return Redirect(f"/papers/{paper_of(paper)}?done=removed", status_code=303)


async def _one(
    request: AnyRequest,
    actor: Actor,
    name: str,
    error: AssetsError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response[Any]:
    paper = paper_of(name)
    form = await form_out(actor, paper, choose(request))
    view = PaperPage(**form.model_dump(), names=names_of(values_of(SAMPLES[paper], await _form(actor, name))))
    done = str(request.query_params.get("done") or "")
    return show(
        request, "papers/one.html", view, status=error.status if error else 200, given=given or form.model_dump(),
        errors=told(error, FILE) if isinstance(error, Invalid | Conflict) and not error.facts else {},
        refused=(error.detail, error.facts) if error and error.facts else None, done=done if done in DONE else "",
        asked=[name for name in FIELDS if name not in UNUSED.get(paper, ())], may_edit=actor.everywhere(Action.EDIT_PAPERS),
        one_line=ONE_LINE, line_max=ONE_LINE_MAX, block_max=BLOCK_MAX,
        file_mb=TEMPLATE_MAX >> 20,
    )  # fmt: skip


async def _form(actor: Actor, name: str) -> Any:
    async with transaction(actor.scope) as tx:
        return await service.form_of(tx, paper_of(name))


def names_of(values: Mapping[str, Any]) -> list[str]:
    """What a template can name, from the values of a sample: `site`, `lines[].name`, `form.closing`."""
    found = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += [f"{name}.{inner}" for inner in value]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found += [f"{name}[].{inner}" for inner in names_of(value[0])]
        else:
            found.append(name)
    return found


routes: Sequence[ControllerRouterHandler] = [
    listing, one, sample, edit, put_template, remove_template,
]  # fmt: skip
