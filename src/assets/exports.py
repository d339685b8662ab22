"""Any list as a file: `/api/v1/exports/{resource}.csv` and `.xlsx`, each made from the route of the list itself.

An export is that route's own handler behind that route's own guards; it is only asked for all rows at once (`Whole`). So
it cannot show other rows, filters or an order than the list, nor to anybody else, and a new list is exported from its
first day. The addresses are written out, two a resource, instead of one with a place for the name: each has its guard,
its parameters and its type in the OpenAPI document, and what is not exported is no route (404).
"""

import asyncio
import inspect
import pickle
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Annotated, Any, Literal, get_args

import anyio
from litestar import Litestar, Request, Router, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.routes import HTTPRoute

from assets import apart, clock, db, heap
from assets.access.actor import Actor
from assets.audit.service import record
from assets.ids import new_id
from assets.web import words
from assets.web.cells import Cell, cells
from assets.web.formats import local
from assets.web.language import choose, translate
from assets.web.paging import Listing, ListQuery, Page, Take, Whole
from assets.web.sheets import BOM, Book, csv_lines

AnyRequest = Request[Any, Any, Any]
Headings = Annotated[
    Literal["names", "labels"],
    QueryParameter(description="The first row: the API's names of the fields, or words in the caller's language"),
]
Fill = Callable[[Take], Awaitable[None]]
API = "/api/v1/"
MEDIA_TYPES = {
    "csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
TOLD = {
    "csv": "UTF-8 with a byte order mark, commas, CRLF, texts in quotes. Days are ISO 8601, times RFC 3339 in UTC, lists "
    "JSON. A text that a program could take for a formula has one apostrophe more in front.",
    "xlsx": "Cells have types and no formulas; times are those of Viet Nam (UTC+7), lists JSON.",
}  # fmt: skip
GIVEN = ("request", "actor", "asked")  # what the handler of any list may take
AT_ONCE = asyncio.Semaphore(4)  # exports that read at the same time; the others wait, so that connections are left
STALLED_SECONDS = 60  # a reader that takes nothing for so long is gone
BLOCK = 1 << 16
BINDER = "assets.web.bookbinder"
FEW = 1_000  # rows of a workbook that are written here: a process takes as long to begin


@dataclass(frozen=True)
class Exported:
    """A list that can be exported: its route's handler, and the fields of its rows."""

    resource: str
    handler: HTTPRouteHandler
    listing: Listing
    columns: tuple[str, ...]

    @property
    def also(self) -> dict[str, str]:
        """Parameters that the list has beside those of every list, such as a day: by argument, the name in the address."""
        found = self.handler.parsed_fn_signature.parameters
        return {name: _query_name(found[name]) for name in _parameters(self.handler) if name not in GIVEN}

    def headings(self, language: str | None) -> list[str]:
        """The first row: names, or words in `language`."""
        if language is None:
            return list(self.columns)
        return [translate(language, words.field(self.resource, name)) for name in self.columns]

    def rows(self, items: Sequence[Any]) -> list[tuple[Cell, ...]]:
        """Rows of the list as cells."""
        values = map(attrgetter(*self.columns), items)
        return list(cells(values if len(self.columns) > 1 else zip(values)))  # of one name it gives the bare value

    async def ask(self, request: AnyRequest, actor: Actor, asked: ListQuery) -> Page[Any]:
        """What the list answers."""
        known: dict[str, Any] = {"request": request, "actor": actor, "asked": asked}
        known |= {name: request.query_params.get(said) for name, said in self.also.items()}
        found: Page[Any] = await self.handler.fn(**{name: known[name] for name in _parameters(self.handler)})
        return found


def exported(app: Litestar) -> list[Exported]:
    """The lists of the API."""
    found = []
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            resource = route.path.removeprefix(API)
            if "listing" in handler.opt and route.path == API + resource and "/" not in resource:
                # An answer of another kind, or a handler that wants something else, must be seen at the start.
                model = get_args(handler.parsed_fn_signature.return_type.annotation.model_fields["items"].annotation)[0]
                found.append(Exported(resource, handler, handler.opt["listing"], tuple(model.model_fields)))
                assert all(found[-1].also.values()), route.path
    return found


def add_exports(app: Litestar) -> None:
    """Give each list of the app its two files."""
    # As one router: each thing that is registered has the app go over all its routes again.
    app.register(Router("/", route_handlers=[_route(one, kind) for one in exported(app) for kind in MEDIA_TYPES]))


def _query_name(field: Any) -> str:
    # Texts only: others would come here without the framework's reading of them.
    text = isinstance(field.kwarg_definition, QueryParameter) and set(get_args(field.annotation)) == {str, NoneType}
    return field.kwarg_definition.name or field.name if text else ""


def _parameters(handler: HTTPRouteHandler) -> list[str]:
    return list(inspect.signature(handler.fn).parameters)


def _route(one: Exported, kind: str) -> HTTPRouteHandler:
    async def export(request: AnyRequest, actor: NamedDependency[Actor], headings: Headings = "names") -> Stream:
        listing = await one.listing.widened(request.query_params)
        asked = ListQuery.of(request.query_params, listing, known=("headings", *one.also.values()), pages=False)
        await _told(one, kind, request, actor, asked)
        first = one.headings(choose(request) if headings == "labels" else None)

        async def fill(take: Take) -> None:
            async def taken(items: list[Any]) -> None:
                await take(one.rows(items))

            same = {part.name: getattr(asked, part.name) for part in fields(asked)}
            await one.ask(request, actor, Whole(**same, take=taken))

        name = f"{one.resource}-{local(clock.now()):%Y%m%d}.{kind}"
        blocks = _WRITERS[kind](fill, first)
        return Stream(
            blocks, media_type=MEDIA_TYPES[kind],
            background=BackgroundTask(_end, blocks),  # a reader that goes away leaves it where it stands
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    name = str(one.handler.operation_id).removeprefix("list")
    return get(
        f"{API}exports/{one.resource}.{kind}", operation_id=f"export{name}{kind.title()}", tags=["exports"],
        guards=list(one.handler.guards or ()),
        opt={
            "listing": one.listing, "file": MEDIA_TYPES[kind], "packed": kind == "xlsx",
            "also": (f"{API}{one.resource}", tuple(one.also.values())),
        },
        summary=f"The whole list of {one.resource} as {kind.upper()}", media_type=MEDIA_TYPES[kind],
        description=f"The rows of `GET {API}{one.resource}` with the same parameters. {TOLD[kind]}",
    )(export)  # fmt: skip


async def _told(one: Exported, kind: str, request: AnyRequest, actor: Actor, asked: ListQuery) -> None:
    """Write down who takes what, before the first row leaves; `rows` is the list's total at that moment.

    Of the audit trail itself one row more comes out: this one.
    """
    total = (
        await one.ask(
            request, actor, ListQuery(limit=1, sort=asked.sort, q=asked.q, filters=asked.filters, more=asked.more)
        )
    ).total
    chosen = {name: request.query_params.getall(name) for name in request.query_params if name != "headings"}
    async with db.transaction(actor.scope) as tx:
        await record(
            tx, by=actor, action="export", kind="export", subject=new_id(), name=f"{one.resource}.{kind}",
            site=actor.home_site, after={"rows": total, "filter": chosen},
        )  # fmt: skip


async def _end(blocks: AsyncGenerator[bytes, None]) -> None:
    await blocks.aclose()
    heap.give_back()


async def _csv(fill: Fill, headings: Sequence[str]) -> AsyncGenerator[bytes, None]:
    yield BOM.encode() + csv_lines([headings])
    send, receive = anyio.create_memory_object_stream[bytes](1)

    async def work() -> None:
        async def take(rows: list[tuple[Cell, ...]]) -> None:
            async with asyncio.timeout(STALLED_SECONDS):
                await send.send(csv_lines(rows))

        async with send, AT_ONCE:
            await fill(take)

    # A task of its own: the transaction begins and ends in it, whoever stops reading and how.
    task = asyncio.create_task(work())
    try:
        async with receive:
            async for block in receive:
                yield block
        await task
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])


async def _xlsx(fill: Fill, headings: Sequence[str]) -> AsyncGenerator[bytes, None]:
    with TemporaryDirectory(prefix="assets-export-") as folder:
        path = Path(folder) / "export.xlsx"
        few: list[Sequence[Cell]] = []
        give: Callable[[Any], Awaitable[None]] | None = None
        async with AT_ONCE, AsyncExitStack() as stack:

            async def take(rows: list[tuple[Cell, ...]]) -> None:
                nonlocal give
                if give is None and len(few) + len(rows) <= FEW:
                    few.extend(rows)
                    return
                if give is None:
                    # A process of its own: it takes a processor for seconds, which the service needs for others.
                    give = await stack.enter_async_context(_binder(path))
                    await give(list(headings))
                    await give(few)
                    few.clear()
                await give(rows)

            await fill(take)
            if give is None:
                await anyio.to_thread.run_sync(_bind, path, headings, few)
            else:
                await give(None)
        async with await anyio.open_file(path, "rb") as file:
            while block := await file.read(BLOCK):
                yield block


def _bind(path: Path, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    book = Book(path, headings)
    book.add(rows)
    book.close()


@asynccontextmanager
async def _binder(path: Path) -> AsyncIterator[Callable[[Any], Awaitable[None]]]:
    """Another process that writes a workbook of what it is given; whole when the block is left without an error."""
    async with apart.started(BINDER, str(path), stdin=PIPE, stdout=DEVNULL) as process:
        stdin = process.stdin
        assert stdin is not None

        async def give(what: Any) -> None:
            stdin.write(pickle.dumps(what))
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await stdin.drain()
            except ConnectionError as error:
                raise apart.Ended(f"{BINDER} ended with {await process.wait()}") from error

        yield give
        if code := await process.wait():
            raise apart.Ended(f"{BINDER} ended with {code}")


_WRITERS: dict[str, Callable[[Fill, Sequence[str]], AsyncGenerator[bytes, None]]] = {"csv": _csv, "xlsx": _xlsx}
