"""The minutes of a stocktake: from its rows to the values of the paper."""

from typing import Any

from assets.clock import LOCAL_ZONE, now
from assets.db import Scope, transaction
from assets.inventory.stocktakes import queries
from assets.inventory.stocktakes.counting import State, is_there
from assets.inventory.stocktakes.queries import ItemOut
from assets.inventory.stocktakes.service import STATES
from assets.papers import typesetting
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


async def of(scope: Scope, number: str) -> bytes:
    """The PDF; a draft says so until it is approved. NotFound when it is another's."""
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
        unit = await tx.fetchval(
            "select u.name from administrative_units u join sites s on s.unit = u.id where s.code = $1", one.site
        )
        words = {r["code"]: r["name"] for r in await tx.fetch("select code, name from counted_states")}
    names = {code: words.get(code, name) for code, (name, _) in STATES.items()}
    rows = [_row(item, names) for item in items]
    return await typesetting.pdf("minutes", {
        "form": one.form_number, "unit": unit or "", "site": one.site_name, "number": one.number, "title": one.title,
        "as_of": f"{one.as_of.astimezone(LOCAL_ZONE):%H giờ %M ngày %d/%m/%Y}",
        "day": f"ngày {(local := (one.approved_at or one.closed_at or now()).astimezone(LOCAL_ZONE)).day:02} "
        f"tháng {local.month:02} năm {local.year}",
        "members": [line for line in one.members.split("\n") if line], "draft": WRITTEN[one.state], "rows": rows,
        "sums": {name: _sum(rows, name) for name in ("book", "count", "diff")},
        "figures": {"expected": one.expected, "found": one.found, "missing": one.missing, "elsewhere": one.elsewhere,
                    "unknown": one.unknown, "pending": one.pending},
        "states": [[name, sum(item.counted_state == code for item in items)] for code, name in names.items()],
        "by": [one.opened_by, one.closed_by, one.approved_by],
    })  # fmt: skip


def _row(item: ItemOut, names: dict[Any, str]) -> dict[str, Any]:
    """A line: quantity, original cost and remaining value by the register, by the count, and their difference."""
    book, count = int(item.expected), int(is_there(item.result, item.settlement))
    moved = item.expected and item.result == "elsewhere"
    said = [
        REMARK["moved" if moved else item.result], SETTLED.get(item.settlement, ""), names.get(item.counted_state, ""),
        f"tại {item.counted_room}" if item.counted_room and item.result == "elsewhere" else "", item.settled_note or item.note,
    ]  # fmt: skip
    return {
        "tag": item.tag, "name": item.name or "–", "room": item.room, "year": item.put_into_use.year if item.put_into_use else "",
        "book": _figures(book, item), "count": _figures(count, item), "diff": _figures(count - book, item),
        "remark": "; ".join(part for part in said if part),
    }  # fmt: skip


def _figures(quantity: int, item: ItemOut) -> list[int | None]:
    def times(value: int | None) -> int | None:
        return None if value is None else quantity * value

    return [quantity, times(item.original_cost), times(item.remaining)]


def _sum(rows: list[dict[str, Any]], name: str) -> list[int]:
    return [sum(row[name][place] or 0 for row in rows) for place in range(3)]
