"""The minutes of a stocktake (biên bản kiểm kê): from its rows to the values of the paper, and the routes that print it."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE, now
from assets.db import Scope, transaction
from assets.inventory.paper_forms.printing import FILES, PDF, Named, Wish, answer, unit_of
from assets.inventory.stocktakes import queries
from assets.inventory.stocktakes.counting import State, is_there
from assets.inventory.stocktakes.queries import ItemOut, StocktakeOut
from assets.inventory.stocktakes.service import STATES
from assets.papers.kinds import CountedThing, Figures, Paper, Stocktake
from assets.web.paging import LIMIT_MAX, ListQuery

REMARK = {
    "found": "", "elsewhere": "Thừa so với danh sách", "moved": "Khác vị trí", "unknown": "Chưa có trong sổ",
    "missing": "Thiếu", "pending": "Chưa kiểm",
}  # fmt: skip
SETTLED = {
    "lost": "mất", "found_after": "đã tìm thấy", "accounted": "có giấy tờ", "correct": "điều chỉnh sổ", "leave": "giữ nguyên sổ",
    "register": "đề nghị ghi sổ", "foreign": "không phải tài sản của đơn vị",
}  # fmt: skip
WRITTEN = {
    State.OPEN: "Đang mở", State.COUNTING: "Đang kiểm kê", State.CLOSED: "Đã kết thúc kiểm đếm, chưa phê duyệt",
    State.APPROVED: "",
}  # fmt: skip
DRAFT = "DỰ THẢO"


async def minutes(scope: Scope, number: str) -> Stocktake:
    """The values; a draft says so until it is approved. NotFound when it is another's."""
    async with transaction(scope) as tx:
        one = await queries.one(tx, scope, number)
        items: list[ItemOut] = []
        asked = ListQuery(limit=LIMIT_MAX)
        while True:
            page = await queries.items(tx, scope, number, asked)
            items += page.items
            if page.next is None:
                break
            asked = ListQuery(limit=LIMIT_MAX, cursor=page.next)
        unit = await unit_of(tx, one.site)
        words = {r["code"]: r["name"] for r in await tx.fetch("select code, name from counted_states")}
    names = {code: words.get(code, name) for code, (name, _) in STATES.items()}
    return Stocktake(
        number=one.number, unit=unit, site=one.site_name, title=one.title,
        as_of=f"{one.as_of.astimezone(LOCAL_ZONE):%H giờ %M phút ngày %d/%m/%Y}",
        day=(one.approved_at or one.closed_at or now()).astimezone(LOCAL_ZONE).date(),
        members=[line for line in one.members.split("\n") if line], lines=[_line(item, names) for item in items],
        summary=_summary(one, items, names), form_number=one.form_number, by=[one.opened_by, "", one.approved_by],
        draft=WRITTEN[one.state],
    )  # fmt: skip


def _summary(one: StocktakeOut, items: Sequence[ItemOut], names: Mapping[Any, str]) -> list[str]:
    pending = f" Chưa kiểm: {one.pending}." if one.pending else ""
    states = "; ".join(f"{name}: {sum(i.counted_state == code for i in items)}" for code, name in names.items())
    return [
        f"Theo sổ: {one.expected} tài sản. Khớp: {one.found}. Thiếu: {one.missing}. Khác vị trí hoặc ngoài danh sách: "
        f"{one.elsewhere}. Chưa có trong sổ: {one.unknown}.{pending}",
        f"Hiện trạng: {states}. Giá trị tính bằng đồng; “–” là chưa có số liệu.",
    ]


def _line(item: ItemOut, names: Mapping[Any, str]) -> CountedThing:
    """A line: quantity, original cost and remaining value by the register and by the count."""
    moved = item.expected and item.result == "elsewhere"
    said = [
        REMARK["moved" if moved else item.result], SETTLED.get(item.settlement, ""), names.get(item.counted_state, ""),
        f"tại {item.counted_room}" if item.counted_room and item.result == "elsewhere" else "", item.settled_note or item.note,
    ]  # fmt: skip
    return CountedThing(
        tag=item.tag, name=item.name or "–", room=item.room, year=item.put_into_use.year if item.put_into_use else None,
        book=_figures(int(item.expected), item), count=_figures(int(is_there(item.result, item.settlement)), item),
        remark="; ".join(part for part in said if part),
    )  # fmt: skip


def _figures(quantity: int, item: ItemOut) -> Figures:
    def times(value: int | None) -> int | None:
        return None if value is None else quantity * value

    return Figures(quantity, times(item.original_cost), times(item.remaining))


async def _answer(actor: Actor, number: str, wish: Wish) -> Response[bytes]:
    content = await minutes(actor.scope, number)
    return await answer(wish, content, str(content.number), draft=DRAFT if content.draft else "")


@get("/api/v1/stocktakes/{number:str}/minutes.pdf", operation_id="getStocktakeMinutes", tags=["stocktakes"],
     guards=[requires(Action.VIEW)], media_type=PDF, opt={"file": PDF, "packed": True})  # fmt: skip
async def get_minutes(number: FromPath[str], actor: NamedDependency[Actor]) -> Response[bytes]:
    """The minutes (biên bản kiểm kê), to be signed."""
    return await _answer(actor, number, Wish(Paper.STOCKTAKE, "pdf"))


@get("/api/v1/stocktakes/{number:str}/papers/{paper:str}", operation_id="printStocktake", tags=["papers"],
     guards=[requires(Action.VIEW)], opt=FILES)  # fmt: skip
async def print_stocktake(number: FromPath[str], paper: Named, actor: NamedDependency[Actor]) -> Response[bytes]:
    """The minutes (stocktake-minutes) as PDF or DOCX."""
    return await _answer(actor, number, Wish.of(paper, Paper.STOCKTAKE))


routes: Sequence[ControllerRouterHandler] = [get_minutes, print_stocktake]
