"""Consumables in the provincial store and at some centres, with a ledger of some weeks; written by the real verbs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from assets.access.actor import SYSTEM
from assets.demo.catalogue import Make
from assets.demo.fleet import Centre
from assets.demo.people import HOME, STOREKEEPER, Person
from assets.demo.stock import STORE
from assets.inventory.stock.consumables import NewConsumable, add_consumable
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement, move
from assets.inventory.stock.shipments import receive, ship

SENT_TO = (HOME, "23356", "21250", "21115", "21289")
KEEPS = 2  # of each cartridge, at least
# Code, name, English name, kind, unit, how many come, the printers that it fits.
GOODS = (
    ("CF259A", "Hộp mực HP 59A", "Toner HP 59A", "toner", "hộp", 40, ("LaserJet Pro M404dn",)),
    ("CRG-057", "Hộp mực Canon 057", "Toner Canon 057", "toner", "hộp", 24, ("LBP226dw",)),
    ("TN-3448", "Hộp mực Brother TN-3448", "Toner Brother TN-3448", "toner", "hộp", 18, ("HL-L6200DW",)),
    ("FX-9", "Hộp mực Canon FX-9", "Toner Canon FX-9", "toner", "hộp", 20, ("LBP 2900",)),
    ("A4-70", "Giấy A4 70 g/m²", "Paper A4 70 g/m²", "paper", "ram", 300, ()),
    ("TOKEN", "Thiết bị lưu khóa bí mật (trắng)", "Blank signing token", "token", "chiếc", 12, ()),
)  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """What the goods refer to."""

    centres: Mapping[str, Centre]
    models: Mapping[Make, UUID]
    people: Mapping[str, Person]


async def write_supplies(shop: Shop, now: datetime) -> int:
    """What came to the store, went to centres and into printers; answers how many lines that made."""
    keeper = replace(SYSTEM, id=shop.people[STOREKEEPER].id, name=shop.people[STOREKEEPER].name)
    count = 0
    for code, name, name_en, kind, unit, quantity, printers in GOODS:
        fits = [model for make, model in shop.models.items() if make.name in printers]
        minimum = 20 if kind == "paper" else KEEPS
        await add_consumable(SYSTEM, NewConsumable(code, name, unit, kind, name_en, minimum, models=fits))
        batch, last = ("2026-03", date(now.year + 1, 3, 31)) if kind == "toner" else ("", None)
        came = Movement(
            Act.RECEIVE, STORE, code, quantity, batch=batch, expires_on=last, reason="Nhập theo hợp đồng năm"
        )
        await move(keeper, came, now=now - timedelta(days=45))
        count += 1
        for place in SENT_TO:
            printer = next((t for t in shop.centres[place].things if t.make.name in printers), None)
            if printer is None and kind != "paper":
                continue
            sent = 30 if kind == "paper" else 3
            gone = await ship(
                keeper, Movement(Act.TRANSFER, STORE, code, sent, to_site=place), now=now - timedelta(days=30)
            )
            await receive(keeper, gone, sent, now=now - timedelta(days=29))
            used = Movement(Act.ISSUE, place, code, 2, asset_tag=printer.tag if printer else "",
                            holder="" if printer else "Bộ phận một cửa")  # fmt: skip
            await move(keeper, used, now=now - timedelta(days=12))
            count += 3
    return count
