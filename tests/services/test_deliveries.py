"""What arrives of a purchase: taken in once however often it is said, numbers compared as people read them, new models."""

import asyncio
from dataclasses import replace

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.equipment_requests import parts, purchases, service
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted, Way
from assets.errors import Conflict, Invalid
from assets.inventory import service as inventory
from assets.inventory.observed import identity
from assets.inventory.stock.consumables import NewConsumable, add_consumable
from assets.inventory.things import NewModel, add_model
from assets.text import serial_key
from tests import equipment_world
from tests.equipment_world import World, at

UGLY = ("SN 9", "sn-9", "ＳＮ９", "S\u2011N\u00a09", "sn\u20139", "SN\u00ad9")


@pytest.fixture
async def world(database: str) -> World:
    return await equipment_world.build()


async def ordered(world: World, *lines: Asked) -> int:
    """A purchase, at its version 2, for all of a request of these lines."""
    asked = list(lines or [Asked("printer", 3)])
    number = str((await service.file(world.alice, Filing(asked, "Mở thêm quầy"), now=at(0))).number)
    await service.approve(world.bob, number, Doing(), now=at(1))
    wanted = {i: [Wanted(Way.PURCHASE, line.quantity)] for i, line in enumerate(asked, start=1)}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    async with db.transaction(EVERYTHING) as tx:
        waiting = [row["id"] for row in await tx.fetch("select id from fulfilment_parts where purchase is null")]
    bought = await purchases.plan(world.bob, NewPurchase("Mua", waiting), now=at(3))
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(4))
    return bought


async def count(query: str) -> int:
    async with db.transaction(EVERYTHING) as tx:
        found: int = await tx.fetchval(query)
    return found


async def numbered(world: World, tag: str, serial: str, model: str = "printer") -> None:
    await inventory.register(
        SYSTEM, inventory.NewAsset(tag, world.models[model], world.other_code, serial=serial), now=at(0)
    )


@pytest.mark.parametrize("serial", UGLY)
async def test_when_a_number_is_written_otherwise_then_it_is_the_same_number(world: World, serial: str) -> None:
    assert serial_key(serial) == "sn9"
    await numbered(world, "HAS-IT", "SN-9")
    with pytest.raises(Conflict):
        await numbered(world, "OTHER-MODEL", serial, "scanner")  # of the same maker
    bought = await ordered(world)
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, Arrived("KHO", world.models["printer"], [serial]), now=at(5))
    assert caught.value.fields.keys() == {"serials.0"}
    came = Arrived("KHO", world.models["printer"], ["A 1", serial, "a-1"])
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, came, now=at(5))
    assert "serials.2" in caught.value.fields
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select serial_key($1)", serial) == serial_key(serial)
        assert await tx.fetchval("select serial from assets where tag = 'HAS-IT'") == "SN-9"  # as it was written
        assert await tx.fetchval("select count(*) from assets") == 1


async def test_when_the_maker_is_another_or_there_is_no_number_then_nothing_is_the_same(world: World) -> None:
    await numbered(world, "HAS-IT", "SN-9")
    other = await add_model(SYSTEM, NewModel("printer", "Khác", "printer"))
    new = inventory.NewAsset("OTHER", other, world.other_code, serial="SN 9")
    await inventory.register(SYSTEM, new, now=at(1))
    for tag in ("NONE-1", "NONE-2"):
        await numbered(world, tag, "-")


async def test_when_two_share_a_number_already_then_they_are_proposed_and_can_still_be_edited(world: World) -> None:
    for tag, serial in (("ONE", "AB 1234"), ("TWO", "X")):
        await numbered(world, tag, serial)
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update assets set serial = 'ab-1234' where tag = 'TWO'")
    await inventory.edit(SYSTEM, "TWO", {"serial": "AB1234", "note": "x"}, version=1, now=at(1))
    assert identity.serial("ＡＢ-1234") == "AB1234"  # what agents on computers say is compared like this


async def test_when_two_enter_one_number_at_once_then_one_of_them_does(world: World) -> None:
    found = await asyncio.gather(
        *(numbered(world, f"T-{n}", s) for n, s in enumerate(UGLY[:4])), return_exceptions=True
    )
    assert sum(one is None for one in found) == 1
    assert all(one is None or isinstance(one, Conflict) for one in found)


async def test_when_a_delivery_is_said_again_then_it_is_taken_in_once(world: World) -> None:
    bought = await ordered(world)
    came = Arrived("KHO", world.models["printer"], ["SN-1", "SN-2"])
    again = replace(came, serials=["sn 2", "SN1"])
    first, second = await asyncio.gather(*(purchases.arrive(world.bob, bought, c, now=at(5)) for c in (came, again)))
    assert first == second == [f"MS-{bought}-001", f"MS-{bought}-002"]
    assert await purchases.arrive(world.bob, bought, came, version=2, now=at(6)) == first  # the answer was lost
    assert await count("select count(*) from assets") == 2
    assert await count("select count(*) from transfers") == 1
    note = Arrived("KHO", world.models["printer"], ["SN-3"], delivery_note="PGH 3")
    assert await purchases.arrive(world.bob, bought, note, now=at(7)) == [f"MS-{bought}-003"]
    assert await purchases.arrive(world.bob, bought, note, now=at(8)) == [f"MS-{bought}-003"]  # it is received by now
    with pytest.raises(Conflict) as caught:
        await purchases.arrive(world.bob, bought, replace(note, serials=["SN-4"]), now=at(9))
    assert caught.value.facts["note"] == "PGH 3"


async def test_when_a_consumable_arrives_twice_at_once_then_it_counts_once(world: World) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    bought = await ordered(world, Asked(kind=LineKind.CONSUMABLE, consumable="TN-1", quantity=5))
    came = Arrived("KHO", consumable="TN-1", quantity=2)
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, came, now=at(5))
    assert caught.value.fields.keys() == {"delivery_note"}
    noted = replace(came, delivery_note="PGH-1")
    await asyncio.gather(*(purchases.arrive(world.bob, bought, noted, now=at(5)) for _ in range(2)))
    seen = await asyncio.gather(
        *(purchases.arrive(world.bob, bought, came, version=3, now=at(6)) for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in seen) == 1
    assert await count("select sum(change) from stock_movements where kind = 'received'") == 4


async def test_when_an_older_house_took_it_in_under_its_note_alone_then_it_is_known_and_other_goods_are_not(
    world: World,
) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    bought = await ordered(world, Asked("printer", 2), Asked(kind=LineKind.CONSUMABLE, consumable="TN-1", quantity=5))
    toner = Arrived("KHO", consumable="TN-1", quantity=2, delivery_note="PGH-1")
    await purchases.arrive(world.bob, bought, toner, now=at(5))
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update purchase_deliveries set note = 'PGH-1'")
    assert await purchases.arrive(world.bob, bought, toner, now=at(6)) == []
    assert await count("select sum(change) from stock_movements where kind = 'received'") == 2
    printers = Arrived("KHO", world.models["printer"], ["SN-1"], delivery_note="PGH-1")
    for hour in (7, 8):
        assert await purchases.arrive(world.bob, bought, printers, now=at(hour)) == [f"MS-{bought}-001"]


async def test_when_one_delivery_brings_machines_and_consumables_then_all_of_it_is_taken_in_or_nothing(
    world: World,
) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    toner = Asked(kind=LineKind.CONSUMABLE, consumable="TN-1", quantity=5)
    bought = await ordered(world, Asked("printer", 2), Asked("scanner", 1), toner)
    both = Arrived(
        "KHO", world.models["printer"], ["SN-1"], consumable="TN-1", quantity=3, delivery_note="PGH 7"
    )  # fmt: skip
    with pytest.raises(Invalid):
        await purchases.arrive(world.bob, bought, replace(both, quantity=6), now=at(5))
    assert await count("select count(*) from assets") == 0  # more toner than was ordered: the machine is not in either
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, replace(both, consumable=""), now=at(5))
    assert caught.value.fields.keys() == {"consumable"}  # what was counted is not passed over
    for hour in (5, 6):  # said again it is taken in once
        assert await purchases.arrive(world.bob, bought, both, now=at(hour)) == [f"MS-{bought}-001"]
    assert await count("select sum(change) from stock_movements where kind = 'received'") == 3
    scanner = Arrived("KHO", world.models["scanner"], ["SC-1"], delivery_note="PGH 7")  # it stands on the same paper
    assert await purchases.arrive(world.bob, bought, scanner, now=at(7)) == [f"MS-{bought}-002"]
    with pytest.raises(Conflict):
        await purchases.arrive(world.bob, bought, replace(both, quantity=2), now=at(8))  # but not another number of it
    rest = Arrived("KHO", world.models["printer"], ["SN-2"], consumable="TN-1", quantity=2, delivery_note="PGH 9")
    assert await purchases.arrive(world.bob, bought, rest, now=at(9)) == [f"MS-{bought}-003"]
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select state from purchases where number = $1", bought) == "received"


async def test_when_a_new_model_comes_then_it_is_entered_with_it(world: World) -> None:
    bought = await ordered(world, Asked("printer", 1), Asked("scanner", 2))
    new = Arrived("KHO", manufacturer="Máy Mới", model_name=" M\u2011100 ", serials=["SN-1"])
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, new, now=at(5))
    assert caught.value.fields.keys() == {"category"}
    with pytest.raises(Invalid) as caught:
        await purchases.arrive(world.bob, bought, replace(new, model_name="\x00", category="scanner"), now=at(5))
    assert caught.value.fields.keys() == {"model_name"}
    too_many = replace(new, category="scanner", serials=["SN-1", "SN-2", "SN-3"])
    with pytest.raises(Invalid):  # more than was ordered: the model is not kept either
        await purchases.arrive(world.bob, bought, too_many, now=at(5))
    assert await count("select count(*) from asset_models where manufacturer = 'Máy Mới'") == 0
    await purchases.arrive(world.bob, bought, replace(new, category="scanner"), now=at(6))
    await purchases.arrive(world.bob, bought, replace(new, manufacturer="MÁY MỚI", serials=["SN-2"]), now=at(7))
    assert await count("select count(*) from asset_models where manufacturer = 'Máy Mới'") == 1
    assert (
        await count("select count(*) from assets a join asset_models m on m.id = a.model where m.name = 'M\u2011100'")
        == 2
    )
