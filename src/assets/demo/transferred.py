"""A few transfers: one on its way to the centre of the demo's clerk, one received, one not sent yet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assets.access.actor import SYSTEM
from assets.db import Connection
from assets.demo.people import HOME, PROVINCE, STOREKEEPER, Person, clerk_of
from assets.demo.stock import STORE
from assets.inventory.transfers import service
from assets.inventory.transfers.service import NewTransfer, Receiving


@dataclass(frozen=True)
class Parcel:
    """So many things of a kind that go from a site to another, so many days ago; `received` days ago, if they are."""

    origin: str
    destination: str
    category: str
    count: int
    reason: str
    decision: str
    carrier: str
    sent: float | None = None
    received: float | None = None


PARCELS = (
    Parcel(
        "21478", "21439", "scanner", 1, "Đơn vị có hai máy scan, chuyển một máy cho nơi còn thiếu.", "VD-17/QĐ (ví dụ)",
        "Cán bộ Văn hóa – Xã hội của đơn vị giao", sent=12.2, received=11.1,
    ),
    Parcel(
        STORE, HOME, "desktop", 2, "Thay máy tính đã hết thời gian sử dụng ở quầy 2 và quầy 3.", "VD-21/QĐ (ví dụ)",
        "Bưu điện tỉnh", sent=1.3,
    ),
    Parcel(
        STORE, "23446", "small-ups", 1, "Cấp bộ lưu điện cho quầy 1.", "", "",
    ),
)  # fmt: skip


async def write_transfers(tx: Connection, people: Mapping[str, Person], now: datetime) -> int:
    """All of them, by the verbs themselves; answers how many there are."""
    count = 0
    for parcel in PARCELS:
        tags = [
            row["tag"]
            for row in await tx.fetch(
                "select a.tag from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category "
                "join sites s on s.id = a.site where s.code = $1 and c.code = $2 and a.stage in ('in_stock', 'in_use') "
                "and not exists (select from targets t where t.asset = a.id) order by a.tag desc limit $3",
                parcel.origin, parcel.category.removeprefix("small-"), parcel.count,
            )
        ]  # fmt: skip
        if tags:
            await _write(parcel, tags, people, now)
            count += 1
    # Hands are written down when they change; here that was some days ago.
    await tx.execute(
        "update custody_moves m set at = e.at from asset_events e where e.asset = m.asset "
        "and e.kind = case m.to_party when 'carrier' then 'sent' else 'received' end"
    )
    return count


async def _write(parcel: Parcel, tags: list[str], people: Mapping[str, Person], now: datetime) -> None:
    sender = replace(SYSTEM, name=people[STOREKEEPER if parcel.origin == STORE else PROVINCE].name)
    at = now - timedelta(days=parcel.sent or 0.2)
    number = await service.draft(
        sender, NewTransfer(
            parcel.origin, parcel.destination, tags, carrier=parcel.carrier, decision_number=parcel.decision,
            decision_date=(at - timedelta(days=2)).date() if parcel.decision else None, reason=parcel.reason,
            expected_on=(at + timedelta(days=2)).date(), send=parcel.sent is not None,
        ), now=at,
    )  # fmt: skip
    if parcel.received is not None:
        receiver = replace(SYSTEM, name=people[clerk_of(parcel.destination)].name)
        await service.receive(receiver, number, Receiving(), now=now - timedelta(days=parcel.received))
