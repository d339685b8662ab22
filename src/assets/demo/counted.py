"""Two stocktakes: one that is being counted at the centre of the demo's clerk, one that is settled and approved."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from assets.access.actor import SYSTEM, Actor
from assets.db import Connection
from assets.demo.people import HOME, PROVINCE, Person, clerk_of
from assets.ids import new_id
from assets.inventory.stocktakes import service
from assets.inventory.stocktakes.counting import Counted, Settlement
from assets.inventory.stocktakes.service import New, Seen, Settled

FINISHED = "21439"
STRANGER = "QN-00000-CU"  # a label of an office that is no more
MEMBERS = "Giám đốc Trung tâm – Trưởng ban\nKế toán – Thành viên\nCông chức một cửa – Thư ký"


async def write_stocktakes(tx: Connection, people: Mapping[str, Person], now: datetime) -> int:
    """Both of them, by the verbs themselves; answers how many there are."""
    await _count(tx, _as(people[clerk_of(HOME)]), HOME, "Kiểm kê cuối năm", now - timedelta(hours=3), part=5)
    began = now - timedelta(days=20)
    clerk = _as(people[clerk_of(FINISHED)])
    number, missing = await _count(tx, clerk, FINISHED, "Kiểm kê khi sắp xếp trụ sở", began, part=99)
    ended = began + timedelta(hours=5)
    await service.close(clerk, number, now=ended)
    settled = [Settled(tag, Settlement.ACCOUNTED, "Đang mang đi sửa, có phiếu nhận máy") for tag in missing]
    settled.append(Settled(STRANGER, Settlement.FOREIGN, "Nhãn của cơ quan cũ"))
    await service.settle(clerk, number, settled, now=ended)
    await service.approve(_as(people[PROVINCE]), number, now=ended + timedelta(days=1))
    return 2


def _as(person: Person) -> Actor:
    return replace(SYSTEM, id=person.id, name=person.name)


async def _count(tx: Connection, by: Actor, site: str, title: str, at: datetime, *, part: int) -> tuple[str, list[str]]:
    """Open a stocktake now and count all but the last asset, or the first `part` of them; answers what was not seen."""
    number = str(await service.open_stocktake(by, New(site, title, members=MEMBERS), now=at))
    rows = await tx.fetch(
        "select i.tag, i.room from stocktake_items i join stocktakes s on s.id = i.stocktake where s.number = $1 "
        "order by i.tag", int(number),
    )  # fmt: skip
    seen = rows[: min(part, len(rows) - 1)]
    scans = [
        Seen(row["tag"], new_id(), at + timedelta(minutes=2 * place), Counted.IN_USE, row["room"])
        for place, row in enumerate(seen, start=1)
    ]
    scans.append(Seen(STRANGER, new_id(), at + timedelta(minutes=1)))
    await service.scan(by, number, scans, now=at + timedelta(hours=2))
    return number, [row["tag"] for row in rows[len(seen) :]]
