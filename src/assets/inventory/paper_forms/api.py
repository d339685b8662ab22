"""Forms of papers over HTTP: what is set of each, its own template, and a sample of what comes out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import anyio
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.inventory.attachments.upload import AROUND_MAX, MULTIPART, received
from assets.inventory.paper_forms import service
from assets.inventory.paper_forms.printing import DOCX, FILES, Named, Wish, answer
from assets.inventory.paper_forms.service import BLOCK_MAX, ONE_LINE_MAX, paper_of
from assets.papers import typesetting
from assets.papers.defaults import DEFAULTS, PURPOSES, TITLES
from assets.papers.document import data_of
from assets.papers.kinds import FIELDS, Paper
from assets.papers.layout import laid_out
from assets.papers.samples import DRAFT, SAMPLES
from assets.papers.templates import TEMPLATE_MAX
from assets.web.bodies import OWN, TAKES
from assets.web.language import choose, translate
from assets.web.paging import Page
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
Line = Annotated[str, Field(max_length=ONE_LINE_MAX)]
Block = Annotated[str, Field(max_length=BLOCK_MAX)]
EDITS = requires(Action.EDIT_PAPERS, province=True)
UPLOAD: dict[str, Any] = {OWN: True, TAKES: frozenset({MULTIPART})}
BODY_MAX = TEMPLATE_MAX + AROUND_MAX
PICTURE = "image/png"
PICTURE_PPI = 44  # of a page 23 rem wide; it is fetched when somebody opens it, its page stays below 60 kB


class TemplateOut(BaseModel):
    """An own .docx template: its name and size, and who put it there."""

    name: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str


class PaperFormOut(BaseModel):
    """What is set of a paper; texts with several lines have one thing to a line."""

    paper: Paper
    title: str
    purpose: str
    form_number: str
    issuer: str
    number_pattern: str
    addressee: str
    legal_basis: str
    opening: str
    closing: str
    signatories: str
    recipients: str
    unit_of_measure: str
    usual: bool
    template: TemplateOut | None
    changed_at: datetime | None
    changed_by: str
    version: int


class PaperFormChange(BaseModel):
    """What to change of a paper's form; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    form_number: Block | None = None
    issuer: Block | None = None
    number_pattern: Line | None = None
    addressee: Block | None = None
    legal_basis: Block | None = None
    opening: Block | None = None
    closing: Block | None = None
    signatories: Block | None = None
    recipients: Block | None = None
    unit_of_measure: Line | None = None


class PaperTemplateIn(BaseModel):
    """An own template: a .docx file with Jinja tags."""

    model_config = ConfigDict(extra="forbid")
    file: Annotated[bytes, Field(json_schema_extra={"format": "binary"})]


async def forms_of(tx: Connection, language: str) -> list[PaperFormOut]:
    """All papers, in the order in which they are used."""
    rows = await tx.fetch(
        "select f.*, t.name as template_name, t.size, t.sha256, t.added_at, t.added_by from paper_forms f "
        "left join paper_templates t on t.form = f.id"
    )
    found = {row["paper"]: row for row in rows}
    return [_out(paper, found.get(paper), language) for paper in Paper]


def _out(paper: Paper, row: Mapping[str, Any] | None, language: str) -> PaperFormOut:
    values = {name: row[name] if row else getattr(DEFAULTS[paper], name) for name in FIELDS}
    own = row and row["template_name"]
    return PaperFormOut(
        paper=paper, title=TITLES[paper], purpose=translate(language, PURPOSES[paper]), **values, usual=row is None,
        template=TemplateOut(name=row["template_name"], size=row["size"], sha256=row["sha256"], added_at=row["added_at"],
                             added_by=row["added_by"]) if row and own else None,
        changed_at=row["changed_at"] if row else None, changed_by=row["changed_by"] if row else "",
        version=row["version"] if row else 1,
    )  # fmt: skip


async def form_out(actor: Actor, paper: Paper, language: str) -> PaperFormOut:
    """One of them."""
    async with transaction(actor.scope) as tx:
        return next(form for form in await forms_of(tx, language) if form.paper is paper)


async def picture(actor: Actor, paper: Paper) -> bytes:
    """The first page of a sample as a small PNG."""
    async with transaction(actor.scope) as tx:
        form = await service.form_of(tx, paper)
    document = laid_out(paper, SAMPLES[paper], form, draft=DRAFT)
    (first, *_) = await typesetting.pictures("paper", data_of(document), ppi=PICTURE_PPI)
    return first


class PaperForms(Controller):
    """What the province sets of its papers."""

    path = "/api/v1/paper-forms"
    tags = ("papers",)

    @get(operation_id="listPaperForms", guards=[requires(Action.VIEW)])
    async def listing(self, request: AnyRequest, actor: NamedDependency[Actor]) -> Page[PaperFormOut]:
        """Every paper that can be printed, with its form."""
        async with transaction(actor.scope) as tx:
            found = await forms_of(tx, choose(request))
        return Page(items=found, total=len(found))

    @get("/{paper:str}", operation_id="getPaperForm", guards=[requires(Action.VIEW)])
    async def one(
        self, request: AnyRequest, paper: FromPath[str], actor: NamedDependency[Actor]
    ) -> Response[PaperFormOut]:
        """The form of one paper."""
        return with_version(await form_out(actor, paper_of(paper), choose(request)))

    @patch("/{paper:str}", operation_id="editPaperForm", guards=[EDITS])
    async def edit(
        self, request: AnyRequest, paper: FromPath[str], data: JSONBody[PaperFormChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[PaperFormOut]:  # fmt: skip
        """Change what stands on a paper; it holds for every paper that is printed from now on."""
        version = version_of(if_match)
        await service.edit(actor, paper_of(paper), data.model_dump(exclude_none=True), version=version, now=clock.now())
        return with_version(await form_out(actor, paper_of(paper), choose(request)))

    @get("/{paper:str}/samples/{file:str}", operation_id="getPaperSample", guards=[requires(Action.VIEW)], opt=FILES)
    async def sample(self, paper: FromPath[str], file: Named, actor: NamedDependency[Actor]) -> Response[bytes]:
        """The paper of an invented case, with the form and the template as they are now."""
        wish = Wish.of(file, paper_of(paper))
        return await answer(wish, SAMPLES[wish.paper], "mẫu", draft=DRAFT)

    @get("/{paper:str}/template", operation_id="getPaperTemplate", guards=[requires(Action.VIEW)], media_type=DOCX,
         opt={"file": DOCX, "packed": True})  # fmt: skip
    async def template(self, paper: FromPath[str], actor: NamedDependency[Actor]) -> Response[bytes]:
        """The own template as it was sent."""
        async with transaction(actor.scope) as tx:
            content = await service.template_of(tx, paper_of(paper))
        if content is None:
            raise NotFound()
        disposition = f'attachment; filename="template-{paper_of(paper)}.docx"'
        return Response(content, media_type=DOCX, headers={"Content-Disposition": disposition})

    @get("/{paper:str}/starter", operation_id="getPaperStarter", guards=[requires(Action.VIEW)], media_type=DOCX,
         opt={"file": DOCX, "packed": True})  # fmt: skip
    async def starter(self, paper: FromPath[str], actor: NamedDependency[Actor]) -> Response[bytes]:
        """A template to begin with: it has every tag that there is, and is worked on in Word."""
        from assets.papers import office  # see `printing`

        of, made_at = paper_of(paper), clock.now()
        made = await anyio.to_thread.run_sync(lambda: office.starter(TITLES[of], SAMPLES[of], made_at))
        disposition = f'attachment; filename="starter-{of}.docx"'
        return Response(made, media_type=DOCX, headers={"Content-Disposition": disposition})

    @post("/{paper:str}/template", operation_id="putPaperTemplate", status_code=200, guards=[EDITS],
          request_max_body_size=BODY_MAX, opt=UPLOAD | {"form": PaperTemplateIn})  # fmt: skip
    async def put_template(
        self, request: AnyRequest, paper: FromPath[str], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[PaperFormOut]:
        """Put an own .docx template in the place of the usual layout; one that cannot be used is refused with the reason."""
        version = version_of(if_match)
        async with received(request, TEMPLATE_MAX) as sent:
            content, of = sent.file.read(), paper_of(paper)
        await service.put_template(actor, of, sent.name, content, version=version, now=clock.now())
        return with_version(await form_out(actor, of, choose(request)))

    @delete("/{paper:str}/template", operation_id="removePaperTemplate", guards=[EDITS])
    async def remove_template(
        self, paper: FromPath[str], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> None:
        """Take the own template out; the usual layout is printed again."""
        version = version_of(if_match)
        await service.remove_template(actor, paper_of(paper), version=version, now=clock.now())


routes: Sequence[ControllerRouterHandler] = [PaperForms]
