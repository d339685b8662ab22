"""A paper as an answer: which one and as which file was asked for, its form, the bytes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import anyio
from litestar import Response
from litestar.params import PathParameter

from assets import clock
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.paper_forms import service
from assets.papers import typesetting
from assets.papers.defaults import TITLES
from assets.papers.document import Document, data_of
from assets.papers.kinds import Content, Paper
from assets.papers.layout import filled as filled_form
from assets.papers.layout import laid_out
from assets.papers.templates import Unusable, filled
from assets.text import fold
from assets.web.language import N_

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEDIA_TYPES = {"pdf": PDF, "docx": DOCX}
FILES = {"file": (PDF, DOCX), "packed": True}
LINES_MAX = 1_000  # of one paper; nobody signs a longer list
AT_ONCE = anyio.CapacityLimiter(2)
Named = Annotated[str, PathParameter(max_length=60, description="The paper and the kind of file: proposal.pdf")]
Read = Callable[[Paper], Awaitable[Content]]


@dataclass(frozen=True)
class Wish:
    """A paper as a kind of file."""

    paper: Paper
    ending: str

    @classmethod
    def of(cls, text: str, *papers: Paper) -> "Wish":
        """`proposal.pdf`, when it is one of these papers; NotFound otherwise."""
        name, _, ending = text.rpartition(".")
        if name not in papers or ending not in MEDIA_TYPES:
            raise NotFound()
        return cls(Paper(name), ending)


async def answer(wish: Wish, content: Content, about: str, *, draft: str = "") -> Response[bytes]:
    """The file; `about` is what it is of, for its name."""
    made = await printed(wish, content, draft=draft)
    name = f"{TITLES[wish.paper]} {about}".strip() + f".{wish.ending}"
    plain = "-".join("".join(c if c.isalnum() or c == "." else " " for c in fold(name)).split())
    shown = "inline" if wish.ending == "pdf" else "attachment"
    disposition = f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(made, media_type=MEDIA_TYPES[wish.ending], headers={"Content-Disposition": disposition})


async def printed(wish: Wish, content: Content, *, draft: str = "") -> bytes:
    """The bytes; Conflict when the paper's own template does not take this case."""
    async with transaction(EVERYTHING) as tx:
        form = await service.form_of(tx, wish.paper)
        own = await service.template_of(tx, wish.paper) if wish.ending == "docx" else None
    if own is not None:
        try:
            return await filled(own, content, filled_form(form, content))
        except Unusable as error:
            said = N_("The paper's own template cannot be used here: %(why)s. Remove or mend it under Papers.")
            raise Conflict(said, why=error.why) from None
    document = laid_out(wish.paper, content, form, draft=draft)
    if wish.ending == "pdf":
        return await typesetting.pdf("paper", data_of(document))
    return await _office(document)


async def _office(document: Document) -> bytes:
    from assets.papers.office import docx_of  # 5 MB that a service without papers does not need

    made_at = clock.now()
    return await anyio.to_thread.run_sync(lambda: docx_of(document, made_at), limiter=AT_ONCE)


async def unit_of(tx: Connection, site: str) -> str:
    """The unit whose People's Committee stands above a centre (by its code); nothing for a store, which may be anybody's."""
    unit: str | None = await tx.fetchval(
        "select u.name from sites s join administrative_units u on u.id = s.unit where s.code = $1 and s.kind <> 'store'",
        site,
    )
    return unit or ""


def few_enough(lines: int) -> None:
    """Invalid when a paper would have more lines than anybody signs."""
    if lines > LINES_MAX:
        raise Invalid(N_("This is more than %(lines)s lines. Choose fewer with a filter."), lines=LINES_MAX)
